-- The relative errors of each variant's linears by block and role (attn.q, mlp.down, ...), to show which part of a model has most error.

local layers = {}

-- One grid for each variant with such errors: { label, roles, blocks = their number, cells[role][block] = linear, worst = the linear
-- with the largest error, and of all errors low, high, mean, count }.
function layers:layer_grids()
   local grids = {}
   for _, variant in ipairs(self.report.variants) do
      local linears = variant.linears or {}
      if #linears > 0 then
         local grid = { label = self:label(variant.id), roles = {}, blocks = 0, cells = {}, low = math.huge,
            high = -math.huge, mean = 0, count = 0 }
         for _, linear in ipairs(linears) do
            if linear.relative_error and linear.block then
               if not grid.cells[linear.role] then
                  grid.cells[linear.role] = {}
                  table.insert(grid.roles, linear.role)
               end
               grid.cells[linear.role][linear.block] = linear
               grid.blocks = math.max(grid.blocks, linear.block + 1)
               grid.low, grid.high = math.min(grid.low, linear.relative_error), math.max(grid.high, linear.relative_error)
               grid.mean, grid.count = grid.mean + linear.relative_error, grid.count + 1
               if not grid.worst or linear.relative_error > grid.worst.relative_error then grid.worst = linear end
            end
         end
         if grid.count > 0 then
            grid.mean = grid.mean / grid.count
            grids[#grids + 1] = grid
         end
      end
   end
   return grids
end

return layers

-- m:salience(sequences): finds outliers, the input channels of a linear that are far larger than the others, and prints them as a
-- list or draws a picture of all blocks. The numbers come from host/insight/salience.hpp.
local native = require "assay.native"

local salience_class = { __name = "salience" }
salience_class.__index = salience_class

local groups = { "qkv", "o", "gate_up", "down" } -- the four different inputs of a block, named after the linears that read them

-- The inputs, the largest outlier ratio first. The ratio is the largest absolute value of any channel, divided by the median of the
-- largest absolute values of all channels.
function salience_class:ranked()
   local list = table.move(self.inputs, 1, #self.inputs, 1, {})
   table.sort(list, function(a, b)
      if a.outlier_ratio ~= b.outlier_ratio then return a.outlier_ratio > b.outlier_ratio end
      if a.block ~= b.block then return a.block < b.block end
      return a.group < b.group
   end)
   return list
end

function salience_class:__tostring()
   local lines = { "input            largest   / median  energy in the top 1 % of channels" }
   for i, one in ipairs(self:ranked()) do
      if i > 12 then break end
      local name = one.expert and ("%s.%d"):format(one.group, one.expert) or one.group
      lines[#lines + 1] = ("%3d %-10s %9.1f %9.1f  %5.1f %%  channel %d"):format(one.block, name, one.abs_max,
                             one.outlier_ratio, 100 * one.top_share, one.channels[1].index)
   end
   return table.concat(lines, "\n")
end

-- An SVG picture with one square for each input; the inputs of the experts of a block share one. A larger outlier ratio makes the square darker, on a logarithmic scale; the
-- numbers are in the tooltips.
function salience_class:svg()
   local size, left, top, most = 16, 70, 24, 1
   for _, one in ipairs(self.inputs) do most = math.max(most, one.outlier_ratio) end
   local blocks, cells = 0, {}
   for _, one in ipairs(self.inputs) do
      blocks = math.max(blocks, one.block + 1)
      local row
      for i, name in ipairs(groups) do if name == one.group then row = i - 1 end end
      local shade = math.log(math.max(1, one.outlier_ratio)) / math.log(math.max(2, most))
      cells[#cells + 1] = ('<rect x="%d" y="%d" width="%d" height="%d" fill="#1f4e79" fill-opacity="%.2f"><title>' ..
                           'block %d, %s: largest %.1f, %.1f times the median, %.1f %% of the energy in 1 %% of channels' ..
                           '</title></rect>'):format(left + one.block * size, top + row * size, size - 1, size - 1,
                              0.06 + 0.94 * shade, one.block, one.group, one.abs_max, one.outlier_ratio,
                              100 * one.top_share)
   end
   for i, name in ipairs(groups) do
      cells[#cells + 1] = ('<text x="%d" y="%d" text-anchor="end">%s</text>'):format(left - 6, top + i * size - 4, name)
   end
   return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">' ..
           '<text x="%d" y="14">Outlier ratio of each input: 1 (light) to %.0f (dark); blocks from left to right</text>' ..
           '%s</svg>\n'):format(left + blocks * size + 10, top + #groups * size + 8, left, most, table.concat(cells))
end

return function(model, calibration)
   local data = calibration
   if type(data) == "table" and data.tokens_for then data = data:tokens_for(model) end
   local inputs = model:salience_data(data)
   native.sys.finish()
   return setmetatable({ inputs = inputs }, salience_class)
end

-- Gate P5: the error of the residual stream (the vector that each block reads and adds to) grows smoothly from block to block. A jump
-- means that one block is broken.

local JUMP <const> = 10         -- an error is a jump if it is more than this many times the error after the block before
local NOTICEABLE <const> = 1e-3 -- relative error up to which a jump does not matter

return {
   id = "P5", title = "the error grows smoothly", severity = "flag", scope = "variant",
   failed = "the error after one block is more than ten times the error after the block before",
   check = function(_, variant)
      local errors = variant.preflight.result.block_errors
      if not errors then return "not_run", "the study reads no text" end
      for i = 2, #errors do
         if errors[i] > JUMP * errors[i - 1] and errors[i] > NOTICEABLE then
            return "fail", ("block %d: %.3g after %.3g"):format(i - 1, errors[i], errors[i - 1])
         end
      end
      return "pass", ("relative error of the residual stream %.3g after the first block, %.3g after the last")
                        :format(errors[1], errors[#errors])
   end,
}

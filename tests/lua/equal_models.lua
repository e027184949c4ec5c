-- Says whether two models compute the same logits, bit for bit. usage: assay run tests/lua/equal_models.lua ONE OTHER
local assay = require "assay"
local one, other = ...

local a, b = assay.load(one), assay.load(other)
local ids = a:encode "The quick brown fox jumps over the lazy dog, and runs away."
local difference, equal = a:logits(ids):max_difference(b:logits(ids))
print(equal and "equal" or ("differ by %g"):format(difference))

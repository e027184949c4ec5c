-- Q4_K_S of llama-quantize (recipe/mixtures.lua): 4-bit blocks; 5 bits in v and down of the first layers.
return require("assay.recipe.mixtures").method "Q4_K_S"

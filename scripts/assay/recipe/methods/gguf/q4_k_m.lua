-- Q4_K_M of llama-quantize (recipe/mixtures.lua): 4-bit blocks; 6 bits in v and down of half the layers.
return require("assay.recipe.mixtures").method "Q4_K_M"

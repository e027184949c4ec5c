-- Q3_K_M of llama-quantize (recipe/mixtures.lua): 3-bit blocks; v, o and down have 4 or 5 bits.
return require("assay.recipe.mixtures").method "Q3_K_M"

-- Q3_K_L of llama-quantize (recipe/mixtures.lua): 3-bit blocks; v, o and down have 5 bits.
return require("assay.recipe.mixtures").method "Q3_K_L"

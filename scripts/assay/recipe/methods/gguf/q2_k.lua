-- Q2_K of llama-quantize (recipe/mixtures.lua): 2-bit blocks; v, o and down have more.
return require("assay.recipe.mixtures").method "Q2_K"

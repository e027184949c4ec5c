-- Q6_K of llama-quantize (recipe/mixtures.lua): 6-bit blocks everywhere.
return require("assay.recipe.mixtures").method "Q6_K"

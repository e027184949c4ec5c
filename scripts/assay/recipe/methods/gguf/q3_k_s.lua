-- Q3_K_S of llama-quantize (recipe/mixtures.lua): 3-bit blocks everywhere.
return require("assay.recipe.mixtures").method "Q3_K_S"

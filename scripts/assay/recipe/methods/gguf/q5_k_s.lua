-- Q5_K_S of llama-quantize (recipe/mixtures.lua): 5-bit blocks everywhere.
return require("assay.recipe.mixtures").method "Q5_K_S"

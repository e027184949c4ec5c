-- Q8_0 of llama-quantize (recipe/mixtures.lua): blocks of 32 weights with 8 bits and a scale.
return require("assay.recipe.mixtures").method "Q8_0"

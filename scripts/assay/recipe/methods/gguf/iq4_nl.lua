-- IQ4_NL of llama-quantize (recipe/mixtures.lua): blocks of 32 weights with 16 fixed values and a scale.
return require("assay.recipe.mixtures").method "IQ4_NL"

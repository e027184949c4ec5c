-- IQ4_XS of llama-quantize (recipe/mixtures.lua): blocks of 256 weights with 16 fixed values; v may have 5 bits.
return require("assay.recipe.mixtures").method "IQ4_XS"

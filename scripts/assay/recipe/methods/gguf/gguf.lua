-- Any mixture of llama-quantize by its name: assay.method.gguf { mixture = "Q4_K_M" } (recipe/mixtures.lua).
return require("assay.recipe.mixtures").any()

-- Which programs (consumers) load which of the formats that are written here: data alone; loading.lua reads it.
--
-- consumers: name; known = the date of the code or page from which the row was read; sources = repository and file or page; commands =
-- how to load a folder DIR in a format, by exporter; needs = what must be installed beside it, by exporter.
-- forms: what an exporter writes for one kind of linear, by id; `loads` has for each consumer "yes", "part" or "no", then a remark.
-- Nothing here was run. A new version of a program may load more or less: then change its row, its date and its sources together.
local consumers = {}

local transformers <const> = "python -c 'from transformers import pipeline; print(pipeline(\"text-generation\", \"DIR\")(\"Hello\"))'"
local vllm <const>, sglang <const> = "vllm serve DIR", "python -m sglang.launch_server --model-path DIR"
local gptqmodel <const> = "python -c 'from gptqmodel import GPTQModel; m = GPTQModel.load(\"DIR\"); print(m.tokenizer.decode(m.generate(\"Hello\")[0]))'"
local mlx <const> = "mlx_lm.generate --model DIR --prompt Hello"

consumers.consumers = {
   { id = "transformers", name = "transformers", known = "2025-11-17",
     sources = { "huggingface/transformers, src/transformers/quantizers/auto.py", "huggingface/transformers, docs/source/en/quantization/gguf.md" },
     needs = { compressed_tensors = "compressed-tensors", gptq = "gptqmodel and optimum", awq = "gptqmodel and accelerate", gguf = "gguf" },
     commands = { compressed_tensors = transformers, gptq = transformers, awq = transformers, safetensors = transformers,
                  gguf = "python -c 'from transformers import AutoModelForCausalLM as M; M.from_pretrained(\"DIR\", gguf_file=\"model.gguf\")'" } },
   { id = "vllm", name = "vLLM", known = "2026-08-17",
     sources = { "vllm-project/vllm, vllm/model_executor/layers/quantization/compressed_tensors/compressed_tensors.py",
                 "vllm-project/vllm, vllm/model_executor/layers/quantization/auto_gptq.py and auto_awq.py",
                 "vllm-project/vllm, docs/features/quantization/gguf.md" },
     needs = { gguf = "vllm-gguf-plugin" },
     commands = { compressed_tensors = vllm, gptq = vllm, awq = vllm, safetensors = vllm,
                  gguf = "vllm serve DIR/model.gguf --tokenizer FOLDER-OF-THE-ORIGINAL" } },
   { id = "sglang", name = "SGLang", known = "2026-07-15",
     sources = { "sgl-project/sglang, python/sglang/srt/layers/quantization", "docs.sglang.io, advanced_features/quantization" },
     needs = {},
     commands = { compressed_tensors = sglang, gptq = sglang, awq = sglang, safetensors = sglang,
                  gguf = "python -m sglang.launch_server --model-path DIR/model.gguf" } },
   { id = "llamacpp", name = "llama.cpp", known = "2026-08-18",
     sources = { "ggml-org/llama.cpp, src/llama-model.cpp", "ggml-org/llama.cpp, conversion/base.py" }, needs = {},
     commands = { gguf = "llama-cli -m DIR/model.gguf", safetensors = "python convert_hf_to_gguf.py DIR" } },
   { id = "gptqmodel", name = "GPTQModel", known = "2026-08-23",
     sources = { "ModelCloud/GPTQModel 7.3.4, gptqmodel/models/loader.py and gptqmodel/quantization/config.py" }, needs = {},
     commands = { gptq = gptqmodel, awq = gptqmodel } },
   { id = "mlx", name = "MLX", known = "2026-08-22", sources = { "ml-explore/mlx-lm, mlx_lm/utils.py" }, needs = {},
     commands = { awq = mlx, safetensors = mlx } },
}

local only_gptq <const> = { "no", "reads GPTQ and AWQ" }
local converter_dequantizes <const> = { "no", "reads GGUF; its converter turns these weights back into floats" }
local mlx_others <const> = { "no", "takes every folder of this format for its own groups of 32" }

consumers.forms = {
   { id = "packed_symmetric", exporter = "compressed_tensors", title = "integers of 4 or 8 bits, symmetric",
     loads = { transformers = { "yes" }, vllm = { "yes" }, sglang = { "yes" }, llamacpp = converter_dequantizes, gptqmodel = only_gptq,
               mlx = mlx_others } },
   { id = "packed_asymmetric", exporter = "compressed_tensors", title = "integers of 4 bits, asymmetric",
     loads = { transformers = { "yes" }, vllm = { "yes" }, sglang = { "part", "only versions after 0.5.11" },
               llamacpp = converter_dequantizes, gptqmodel = only_gptq, mlx = mlx_others } },
   { id = "packed_other", exporter = "compressed_tensors", title = "integers of other widths, or 8 bits asymmetric",
     loads = { transformers = { "yes", "3, 5, 6, 7 bits from compressed-tensors 0.17 on" },
               vllm = { "part", "symmetric, by the kernel Humming" }, sglang = { "no", "no kernel" },
               llamacpp = { "no", "reads GGUF" }, gptqmodel = only_gptq, mlx = mlx_others } },
   { id = "int8_inputs", exporter = "compressed_tensors", title = "int8 weights and int8 inputs (W8A8)",
     loads = { transformers = { "yes", "emulated" }, vllm = { "yes", "not on Blackwell GPUs" }, sglang = { "yes" },
               llamacpp = converter_dequantizes, gptqmodel = only_gptq, mlx = mlx_others } },
   { id = "int4_int8_inputs", exporter = "compressed_tensors", title = "4-bit integers and int8 inputs (W4A8)",
     loads = { transformers = { "yes", "emulated" }, vllm = { "part", "on Arm processors" }, sglang = { "no", "no kernel" },
               llamacpp = { "no", "reads GGUF" }, gptqmodel = only_gptq, mlx = mlx_others } },
   { id = "fp8", exporter = "compressed_tensors", title = "fp8 rows",
     loads = { transformers = { "yes" }, vllm = { "yes" }, sglang = { "yes" }, llamacpp = converter_dequantizes, gptqmodel = only_gptq,
               mlx = mlx_others } },
   { id = "nvfp4", exporter = "compressed_tensors", title = "nvfp4",
     loads = { transformers = { "yes" }, vllm = { "yes", "4-bit inputs on Blackwell GPUs alone" },
               sglang = { "part", "older versions only with 4-bit inputs" }, llamacpp = { "no", "reads GGUF" }, gptqmodel = only_gptq, mlx = mlx_others } },
   { id = "mxfp4", exporter = "compressed_tensors", title = "mxfp4",
     loads = { transformers = { "yes" }, vllm = { "yes" }, sglang = { "part", "versions with compressed_tensors_w4a16_mxfp4.py" }, llamacpp = { "no", "reads GGUF" },
               gptqmodel = only_gptq, mlx = mlx_others } },
   { id = "gptq_symmetric", exporter = "gptq", title = "integers of 4 or 8 bits, symmetric",
     loads = { transformers = { "yes" }, vllm = { "yes" }, sglang = { "yes" }, llamacpp = converter_dequantizes, gptqmodel = { "yes" },
               mlx = { "no", "refuses folders with g_idx, which the format asks for" } } },
   { id = "gptq_other", exporter = "gptq", title = "integers of 2 bits, or asymmetric",
     loads = { transformers = { "yes" }, vllm = { "no", "rejected since 2026-05-15 (pull request 38288)" },
               sglang = { "part", "in float16" }, llamacpp = converter_dequantizes, gptqmodel = { "yes" },
               mlx = { "no", "refuses folders with g_idx, which the format asks for" } } },
   { id = "awq", exporter = "awq", title = "integers of 4 bits",
     loads = { transformers = { "yes", "version 5; version 4 needs autoawq" }, vllm = { "yes" }, sglang = { "yes" },
               llamacpp = { "no", "neither it nor its converter reads AWQ" }, gptqmodel = { "yes" },
               mlx = { "part", "groups of 32, 64 or 128" } } },
   { id = "gguf", exporter = "gguf", title = "blocks of 32 weights (Q4_0, Q5_0, Q8_0, ...)",
     loads = { transformers = { "yes", "turns most models back into floats" }, vllm = { "part", "with a plugin, on GPUs" },
               sglang = { "yes" }, llamacpp = { "yes" }, gptqmodel = only_gptq, mlx = { "no", "writes GGUF, but does not run it" } } },
   { id = "floats", exporter = "safetensors", title = "floats, nothing is quantized",
     loads = { transformers = { "yes" }, vllm = { "yes" }, sglang = { "yes" }, llamacpp = { "part", "through its converter" },
               gptqmodel = { "no", "quantizes such folders" }, mlx = { "yes" } } },
}

return consumers

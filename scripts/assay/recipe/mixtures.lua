-- The mixtures of block types that llama-quantize names, such as Q4_K_M: which type each matrix of a model gets. Source: ggml-org/llama.cpp,
-- src/llama-quant.cpp, llama_tensor_get_type_impl, as of commit 007dbbf (dense models; its special rules for Falcon, for 70B Llama models
-- and for experts are left out). The quantizer kquant makes the blocks; it also knows what narrow rows get.
local fail = require "assay.lib.fail"

local mixtures = {}

-- One column for each role that differs from the others. { "Q4_K", "Q6_K", "edges_and_thirds" }: Q6_K in the layers that kquant's option
-- `raised_where` calls so, else Q4_K. `weighted` and `unweighted` hold what differs with and without the search by importance.
local first_eighth <const> = "first_eighth"
local table_of = {
   --            all          attn.v                                attn.o           mlp.down
   Q2_K   = { "Q2_K",   v = { "Q3_K", "Q4_K", "grouped_heads" },    o = { "Q3_K" }, down = { "Q3_K" } },
   Q3_K_S = { "Q3_K" },
   Q3_K_M = { "Q3_K",   v = { "Q4_K", "Q5_K", "first_two" },        o = { "Q4_K" }, down = { "Q4_K", "Q5_K", "first_sixteenth" } },
   Q3_K_L = { "Q3_K",   v = { "Q5_K" },                             o = { "Q5_K" }, down = { "Q5_K" } },
   Q4_K_S = { "Q4_K",   v = { "Q4_K", "Q5_K", "first_four" },                       down = { "Q4_K", "Q5_K", first_eighth } },
   Q4_K_M = { "Q4_K",   v = { "Q4_K", "Q6_K", "edges_and_thirds" },                 down = { "Q4_K", "Q6_K", "edges_and_thirds" } },
   Q5_K_S = { "Q5_K" },
   Q5_K_M = { "Q5_K",   v = { "Q5_K", "Q6_K", "edges_and_thirds" },                 down = { "Q5_K", "Q6_K", "edges_and_thirds" } },
   Q6_K   = { "Q6_K" },
   IQ4_XS = { "IQ4_XS", v = { "IQ4_XS", "Q5_K", "grouped_heads" },      unweighted = { down = { "IQ4_XS", "Q5_K", first_eighth } } },
   IQ4_NL = { "IQ4_NL", v = { "IQ4_NL", "Q5_K", "grouped_heads" },      unweighted = { down = { "IQ4_NL", "Q5_K", first_eighth } } },
   Q4_0   = { "Q4_0",                                                   weighted = { down = { "Q4_0", "Q4_1", first_eighth } } },
   Q4_1   = { "Q4_1" },
   Q5_0   = { "Q5_0",                                                   weighted = { down = { "Q5_0", "Q5_1", first_eighth } } },
   Q5_1   = { "Q5_1" },
   Q8_0   = { "Q8_0" },
}

local roles <const> = { v = "attn.v", o = "attn.o", down = "mlp.down" }

local function override(match, types)
   return { match = match, config = { type = types[1], raised_type = types[2] or types[1], raised_where = types[3] or "nowhere" } }
end

-- The names of all mixtures.
function mixtures.names() return fail.sorted_keys(table_of) end

-- Returns the type of most matrices, and the others as `overrides` of a recipe. by_importance: whether blocks are searched by importance.
-- The head has Q6_K (Q8_0 in Q8_0). The embedding has it too if the two are one matrix, else the type of most matrices.
function mixtures.rules(name, by_importance)
   local mixture = table_of[name]
   if not mixture then fail.unknown("mixture", name, table_of) end
   local most, list = mixture[1], {}
   local special = (by_importance and mixture.weighted or not by_importance and mixture.unweighted) or {}
   for _, part in ipairs { "v", "o", "down" } do
      local types = special[part] or mixture[part]
      if types then list[#list + 1] = override(roles[part], types) end
   end
   local head = most == "Q8_0" and "Q8_0" or "Q6_K"
   list[#list + 1] = override("lm_head", { head })
   list[#list + 1] = override("embed", { most, head, "tied" })
   return most, list
end

-- The parts of a method's definition that all methods of mixtures share. mixture_of(o) returns the mixture's name.
local function definition(name, summary, mixture_of)
   return {
      name = name,
      summary = summary,
      calibrated = function(o) return o.feedback or o.search == "importance" end,
      plugins = { quantizer = { id = "kquant", takes = { "search", "scale_from", "feedback", "static_groups", "act_order", "damping" } } },
      options = {
         embeddings = { type = "boolean", default = true, about = "embedding and head too" },
         sink = { type = "number", default = 0, min = 0, about = "weight of position 0 in H" },
         propagation = { type = "string", default = "quantized", about = "fp or quantized inputs" },
      },
      label = function(method, o)
         local words = { method == "gguf" and "gguf " .. mixture_of(o) or method }
         if o.search == "reference" then words[#words + 1] = "reference" end
         if not o.feedback then words[#words + 1] = "without feedback" end
         if not o.embeddings then words[#words + 1] = "float embeddings" end
         return table.concat(words, " ")
      end,
      recipe = function(o, plugin)
         local most, list = mixtures.rules(mixture_of(o), o.search == "importance")
         plugin.quantizer.config.type = most
         if o.overrides then o.overrides = table.move(o.overrides, 1, #o.overrides, #list + 1, list) end
         local calibrated, keep = o.feedback or o.search == "importance", table.move(o.keep or {}, 1, #(o.keep or {}), 1, {})
         if not o.embeddings then keep[#keep + 1] = "lm_head" end
         o.keep = keep
         return { quantizer = plugin.quantizer, overrides = list, embeddings = o.embeddings, sink_weight = o.sink,
                  propagation = calibrated and o.propagation or nil }
      end,
   }
end

-- The definition of the method that makes one mixture: mixtures.method "Q4_K_M" is assay.method.q4_k_m.
function mixtures.method(mixture)
   return definition(mixture:lower(), "the mixture " .. mixture .. " of llama-quantize, for --format gguf",
                     function() return mixture end)
end

-- The definition of assay.method.gguf { mixture = "Q4_K_M" }.
function mixtures.any()
   local out = definition("gguf", "a mixture of llama-quantize, for --format gguf", function(o) return o.mixture end)
   out.options.mixture = { type = "string", default = "Q4_K_M", one_of = mixtures.names(), about = "name of the mixture" }
   return out
end

return mixtures

-- assay serve [NAME=]MODEL..: answers requests over HTTP (host/serve) until a signal ends it. Each model has a name, by which
-- clients ask for it. A model that is given under two names is loaded once.
local fail = require "assay.lib.fail"
local model = require "assay.model"
local native = require "assay.native"
local fs = native.fs

-- Returns the name and the path of "NAME=PATH" or "PATH". A path that exists is one, even with a '=' in it.
local function split(operand)
   local name, path = operand:match "^([%w._-]+)=(.+)$"
   if name and not fs.kind(operand) then return name, path end
   return nil, operand
end

-- The key is the first line of the file.
local function read_key(path)
   local text, problem = fs.read(path)
   if not text then error(problem, 0) end
   local key = text:match "^%s*([^\r\n]*[^%s])"
   if not key then fail.work("the file with the key is empty", { where = path }) end
   if #key < 8 then fail.work("the key is shorter than 8 characters", { where = path }) end
   return key
end

-- Names the weights, the way they are computed and the device, so that a client can see that answers may differ.
local function fingerprint(m)
   local facts = m:info()
   return ("%s-%s-%s"):format(m:fingerprint():sub(1, 12), facts.packed and "packed-" .. native.model.packed_kernel() or facts.dtype,
                              facts.device)
end

local function load_all(o)
   local loaded, taken, out = {}, {}, {}
   for _, operand in ipairs(o.models) do
      local name, path = split(operand)
      path = model.find(path)
      name = name or native.model.name(path)
      if taken[name] then
         fail.usage(("two models have the name '%s'"):format(name), "Give names: assay serve a=PATH b=PATH")
      end
      taken[name] = true
      if not loaded[path] then
         local m = model.load(path, { runtime = o.packed and "packed" or nil })
         loaded[path] = { m = m, fingerprint = fingerprint(m) }
      end
      out[#out + 1] = { name = name, model = loaded[path].m, fingerprint = loaded[path].fingerprint }
   end
   return out
end

return function(o)
   local key = o.api_key_file and read_key(o.api_key_file)
   return native.model.serve(load_all(o), { host = o.host, port = o.port, live = o.live, queue = o.queue, kv_bytes = o.kv_bytes,
                                            default_max_tokens = o.default_max_tokens, api_key = key, cors = o.cors,
                                            monitor_port = o.monitor_port, grace = o.grace, no_auth = o.no_auth })
end

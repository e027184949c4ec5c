-- Formats numbers as text for all renderers of a report. They share this file, so that they cannot round a number differently.
-- words.lua has the words that explain a number.

local format = {}

local MINUS <const> = "\u{2212}"

-- Returns how many decimals show two digits of an uncertainty (half the width of an interval): 0.8 -> 2, 0.0031 -> 4, 12 -> 0. `most`
-- is the upper limit, 6 by default. Without an uncertainty the result is 2.
function format.decimals_for(half_width, most)
   if not half_width or half_width <= 0 then return 2 end
   local exponent = math.floor(math.log(half_width, 10))
   return math.max(0, math.min(most or 6, 1 - exponent))
end

local PERCENT_DECIMALS <const> = 3 -- at most, where a fraction is shown in percent

-- 1234567 -> "1,234,567"
function format.count(n)
   local digits = string.format("%.0f", n)
   local sign, body = digits:match("^(-?)(%d+)$")
   body = body:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
   return (sign == "-" and MINUS or "") .. body
end

-- Returns x with a fixed number of decimals and a real minus sign. A text that shows zero has no sign. Whole parts of five
-- digits and more get commas.
function format.fixed(x, decimals)
   local text = string.format("%." .. decimals .. "f", math.abs(x))
   local negative = x < 0 and text:find("[1-9]")
   local whole, rest = text:match("^(%d+)(.*)$")
   if #whole > 4 then whole = format.count(tonumber(whole)) end
   return (negative and MINUS or "") .. whole .. rest
end

-- Like format.fixed, with "+" before a positive number.
function format.signed(x, decimals)
   local text = format.fixed(x, decimals)
   if text:sub(1, #MINUS) == MINUS or not text:find("[1-9]") then return text end
   return "+" .. text
end

-- Returns x with about `digits` significant digits. Only a number smaller than 0.00001 gets an exponent.
function format.significant(x, digits)
   if x == 0 then return "0" end
   local exponent = math.floor(math.log(math.abs(x), 10))
   if exponent < -5 then return (string.format("%." .. (digits - 1) .. "e", x):gsub("^-", MINUS)) end
   return format.fixed(x, math.max(0, digits - 1 - exponent))
end

-- Formats a number that a person chose: 2.0 -> "2", 0.05 -> "0.05".
function format.plain(x) return (string.format("%.6g", x):gsub("^-", MINUS)) end

local BYTE_UNITS <const> = { { 1e12, "TB" }, { 1e9, "GB" }, { 1e6, "MB" }, { 1e3, "kB" } }

function format.bytes(n)
   for _, unit in ipairs(BYTE_UNITS) do
      if n >= unit[1] then return format.significant(n / unit[1], 3) .. " " .. unit[2] end
   end
   return format.count(n) .. " B"
end

function format.seconds(s)
   if s < 0.001 then return "< 1 ms" end
   if s < 1 then return format.fixed(s * 1000, 0) .. " ms" end
   if s < 100 then return format.fixed(s, 1) .. " s" end
   if s < 6000 then return string.format("%d min %02d s", s // 60, math.floor(s % 60)) end
   return string.format("%d h %02d min", s // 3600, math.floor(s % 3600 / 60))
end

function format.percent(fraction, decimals) return format.fixed(100 * fraction, decimals or 1) .. " %" end

function format.p_value(p)
   if p < 0.0001 then return "< 0.0001" end
   return format.fixed(p, p < 0.01 and 4 or 3)
end

-- Returns a decimal that reads back as the same double, for CSV and data tables. It tries 15, 16 and 17 digits, and takes the
-- first that is exact.
function format.exact(x)
   if math.type(x) == "integer" then return tostring(x) end
   for digits = 15, 17 do
      local text = string.format("%." .. digits .. "g", x)
      if tonumber(text) == x then return text end
   end
end

-- The uncertainty that decides the decimals: half of the interval's width.
local function half_width(low, high) return low and high and (high - low) / 2 or nil end

-- Returns an interval such as "[18.9, 23.4]". The decimals show two digits of the half width. Both ends are first multiplied by
-- `scale`, which is 100 for percent.
function format.range(low, high, scale, sign)
   scale = scale or 1
   local decimals = format.decimals_for(half_width(low * scale, high * scale), scale == 100 and PERCENT_DECIMALS or nil)
   local one = sign and format.signed or format.fixed
   return "[" .. one(low * scale, decimals) .. ", " .. one(high * scale, decimals) .. "]"
end

-- Returns a result's value and its interval as two texts: "20.49", "[18.9, 22.1]". A proportion is shown as "10/20 = 50.0 %". A
-- missing value is replaced by its reason.
function format.value(result)
   local interval = result.interval
   local scale = result.unit == "fraction" and 100 or 1
   local half = interval and half_width(interval.low, interval.high)
   local most = scale == 100 and PERCENT_DECIMALS or nil
   local decimals = half and format.decimals_for(half * scale, most) or (scale == 100 and 1 or 2)
   if result.value == nil then return result.reason or "not measured", "" end
   local text
   if result.unit == "fraction" then
      text = format.fixed(100 * result.value, math.max(1, decimals)) .. " %"
      local counts = result.counts or {}
      if counts.correct then text = counts.correct .. "/" .. counts.items .. " = " .. text end
   else
      text = format.fixed(result.value, math.max(decimals, 2))
   end
   return text, interval and format.range(interval.low, interval.high, scale) or ""
end

-- Returns a paired comparison as three texts: "+8.31 %", "[+7.95, +8.68]" and the unit " %". A ratio is shown as a change in
-- percent. A difference keeps its own unit, which is "pp" (percentage points) for proportions.
function format.change(paired)
   local to_percent = paired.quantity == "ratio" and function(x) return 100 * (x - 1) end or function(x) return x end
   local low, high = to_percent(paired.low), to_percent(paired.high)
   local unit = paired.quantity == "ratio" and " %" or (paired.unit and " " .. paired.unit or "")
   local decimals = format.decimals_for(half_width(low, high))
   return format.signed(to_percent(paired.estimate), decimals) .. unit, format.range(low, high, 1, true), unit
end

-- Formats the minimum detectable effect, the smallest difference that could have been seen: "0.60 %" or "2.1 pp"; "" for nil.
function format.mde(mde)
   if not mde then return "" end
   if mde.unit == "ratio" then return format.significant(100 * mde.value, 2) .. " %" end
   return format.significant(mde.value, 2) .. " " .. mde.unit
end

return format

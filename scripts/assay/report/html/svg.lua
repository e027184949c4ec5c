-- Draws interval bars, bits against quality and maps of errors as inline SVG. Colours are CSS classes of style.lua, so that one picture
-- serves light and dark pages and print. Every picture has a title and a description in words.

local escape = require "assay.report.escape"
local format = require "assay.report.format"

local svg = {}
local esc <const> = escape.html

local serial = 0 -- number of the last picture, for ids that are unique within a page

-- A number with at most two decimals, without zeros at its end.
local function n(x) return (string.format("%.2f", x):gsub("%.?0+$", "")) end

-- The opening tag of a picture. width and height are in SVG user units; the style sheet decides the size on the page.
local function open(class, width, height, title, description)
   serial = serial + 1
   local id = "f" .. serial
   return string.format('<svg class="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d">'
      .. '<title id="%s-t">%s</title><desc id="%s-d">%s</desc>',
      class, n(width), n(height), id, id, id, esc(title), id, esc(description))
end

function svg.start_document() serial = 0 end

local function line(x1, y1, x2, y2, class)
   return string.format('<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>', n(x1), n(y1), n(x2), n(y2), class)
end

local function text(x, y, class, content, anchor)
   return string.format('<text x="%s" y="%s" class="%s" text-anchor="%s">%s</text>', n(x), n(y), class, anchor
      or "middle", esc(content))
end

-- asinh is the scale of changes: linear near zero and logarithmic far from it, so that +0.04 and +70 fit into one picture.
local function asinh(x) return math.log(math.abs(x) + math.sqrt(x * x + 1)) * (x < 0 and -1 or 1) end

-- A scale for all rows of one table. values: numbers that must fit; knee: where the logarithmic part begins. place(x) of the result
-- is the position of x from 0 (left) to 1 (right).
function svg.change_scale(values, knee)
   local low, high = 0, 0
   for _, value in ipairs(values) do low, high = math.min(low, value), math.max(high, value) end
   local from, to = asinh(low / knee), asinh(high / knee)
   local room = math.max((to - from) * 0.06, 0.15)
   from, to = from - room, to + room
   return { low = low, high = high, knee = knee,
      place = function(x) return (asinh(x / knee) - from) / (to - from) end }
end

-- One row of a forest plot (intervals below each other): the interval is a bar, the estimate a dot. item: { low, estimate, high,
-- tone, text }. margin: the range from -margin to margin is shaded; nil for none.
function svg.interval_row(scale, item, margin)
   local width, middle = 180, 13
   local function x(value) return 6 + (width - 12) * math.max(0, math.min(1, scale.place(value))) end
   local out = { open("forest", width, 26, item.text, item.text) }
   if margin then
      out[#out + 1] = string.format('<rect x="%s" y="2" width="%s" height="22" class="margin"/>', n(x(-margin)),
         n(x(margin) - x(-margin)))
   end
   out[#out + 1] = line(x(0), 1, x(0), 25, "zero")
   if item.estimate then
      out[#out + 1] = line(x(item.low), middle, x(item.high), middle, "whisker " .. item.tone)
      for _, value in ipairs { item.low, item.high } do
         out[#out + 1] = line(x(value), middle - 4, x(value), middle + 4, "whisker " .. item.tone)
      end
      out[#out + 1] = string.format('<circle cx="%s" cy="%s" r="4.2" class="dot %s"/>', n(x(item.estimate)), n(middle),
         item.tone)
   else
      out[#out + 1] = string.format('<circle cx="%s" cy="%s" r="3.6" class="dot hollow"/>', n(x(0)), n(middle))
   end
   out[#out + 1] = "</svg>"
   return table.concat(out)
end

-- About `wanted` ticks in [low, high], in steps of 1, 2 or 5 times a power of ten.
local function nice_ticks(low, high, wanted)
   local raw = (high - low) / wanted
   local power = 10 ^ math.floor(math.log(raw, 10))
   local step = raw / power > 5 and 10 * power or raw / power > 2 and 5 * power or raw / power > 1 and 2 * power
      or power
   local out = {}
   for i = math.ceil(low / step), math.floor(high / step) do out[#out + 1] = i * step end
   return out
end

-- Ticks of a logarithmic axis. The more decades the axis has, the fewer ticks each decade gets, so that their labels do not touch.
local function log_ticks(low, high)
   local out, decades = {}, math.log(high / low, 10)
   if high / low < 4 then return nice_ticks(low, high, 5) end
   local steps = decades > 3.5 and { 1 } or decades > 2 and { 1, 3 } or decades > 1.2 and { 1, 2, 5 } or { 1, 1.5, 2, 3, 5, 7 }
   for exponent = math.floor(math.log(low, 10)), math.ceil(math.log(high, 10)) do
      for _, m in ipairs(steps) do
         local value = m * 10 ^ exponent
         if value >= low and value <= high then out[#out + 1] = value end
      end
   end
   return out
end

local LETTER <const> = 7.4 -- width of a letter of a label, about

-- Places the labels of points: right of the point, or left of it near the right edge. A label that would cover an earlier one (from
-- top to bottom) is moved down by `gap`.
local function spread_labels(points, gap, edge)
   table.sort(points, function(a, b) return a.py < b.py end)
   for i, p in ipairs(points) do
      local width = LETTER * (utf8.len(p.label) or #p.label)
      p.on_right = p.px + 11 + width < edge
      p.label_y, p.label_x = p.py, p.on_right and p.px + 11 or p.px - 11 - width
      for k = 1, i - 1 do
         local other = points[k]
         local beside = p.label_x < other.label_x + other.label_width and other.label_x < p.label_x + width
         if beside and math.abs(p.label_y - other.label_y) < gap then p.label_y = other.label_y + gap end
      end
      p.label_width = width
   end
end

-- The smallest and the largest value with some room around them. pad: the room as a share of their distance.
local function extent(values, pad)
   local low, high = math.min(table.unpack(values)), math.max(table.unpack(values))
   local room = math.max((high - low) * pad, math.abs(high) * 0.01, 1e-9)
   return low - room, high + room
end

-- The front: the points for which no point of the same or a smaller size (x) has a lower y, the smallest x first. Collapsed
-- variants are left out.
function svg.front(points)
   local sorted, out = {}, {}
   for _, p in ipairs(points) do if p.tone ~= "hollow" then sorted[#sorted + 1] = p end end
   table.sort(sorted, function(a, b)
      if a.x ~= b.x then return a.x < b.x end
      return a.y < b.y
   end)
   for _, p in ipairs(sorted) do if #out == 0 or p.y < out[#out].y then out[#out + 1] = p end end
   return out
end

-- The front as a line of steps: between two points of the front, y is that of the point with the smaller x.
local function front_line(points)
   local path = {}
   for i, p in ipairs(svg.front(points)) do
      path[#path + 1] = i == 1 and "M" .. n(p.px) .. " " .. n(p.py) or "H" .. n(p.px) .. "V" .. n(p.py)
   end
   return #path > 1 and '<path d="' .. table.concat(path) .. '" class="front"/>' or ""
end

-- Lines for comparison: the untouched subject with the margin above it, and the noise between two runs.
local function held_against(o, left, right, py, low, high)
   local out = {}
   if o.reference then
      if o.margin and o.margin > 1 then
         local upper = py(o.reference * o.margin)
         out[1] = string.format('<rect x="%s" y="%s" width="%s" height="%s" class="margin"/>', n(left), n(upper), n(right - left),
            n(py(o.reference) - upper))
      end
      out[#out + 1] = line(left, py(o.reference), right, py(o.reference), "reference")
   end
   if o.floor and o.floor > low and o.floor < high then
      out[#out + 1] = line(left, py(o.floor), right, py(o.floor), "reference") .. text(left + 4, py(o.floor) - 5, "tick", "two runs of one model", "start")
   end
   return table.concat(out)
end

-- Quality against size. points: { x = bits per weight, y = value, low, high, label, tone }; options: { title,
-- description, x_label, y_label, reference = y of the untouched subject, margin = factor, floor = y of noise }.
function svg.size_quality(points, options)
   local width, height, left, right, top, bottom = 520, 320, 76, 16, 14, 50
   local xs, ys = {}, {}
   for _, p in ipairs(points) do
      xs[#xs + 1] = p.x
      for _, y in ipairs { p.low or p.y, p.y, p.high or p.y } do ys[#ys + 1] = math.log(y) end
   end
   local x0, x1 = extent(xs, 0.08)
   if x1 - x0 < 2 then x0, x1 = (x0 + x1) / 2 - 1, (x0 + x1) / 2 + 1 end -- at least two bits wide
   x1 = x1 + (x1 - x0) * 0.14
   local y0, y1 = extent(ys, 0.12)
   local function px(x) return left + (x - x0) / (x1 - x0) * (width - left - right) end
   local function py(y) return height - bottom - (math.log(y) - y0) / (y1 - y0) * (height - top - bottom) end
   local out = { open("chart", width, height, options.title, options.description) }
   for _, y in ipairs(log_ticks(math.exp(y0), math.exp(y1))) do
      out[#out + 1] = line(left, py(y), width - right, py(y), "grid")
         .. text(left - 8, py(y) + 4, "tick", format.significant(y, 2), "end")
   end
   local ticks = nice_ticks(x0, x1, 6)
   local whole = #ticks < 2 or ticks[2] - ticks[1] >= 1
   for _, x in ipairs(ticks) do
      if x >= 0 then
         out[#out + 1] = line(px(x), height - bottom, px(x), height - bottom + 5, "axis")
            .. text(px(x), height - bottom + 19, "tick", format.fixed(x, whole and 0 or 1))
      end
   end
   out[#out + 1] = line(left, height - bottom, width - right, height - bottom, "axis")
   out[#out + 1] = held_against(options, left, width - right, py, math.exp(y0), math.exp(y1))
   for _, p in ipairs(points) do p.px, p.py = px(p.x), py(p.y) end
   out[#out + 1] = front_line(points)
   spread_labels(points, 17, width)
   for _, p in ipairs(points) do
      if p.low then
         local y_low, y_high = py(p.low), py(p.high)
         out[#out + 1] = line(p.px, y_low, p.px, y_high, "whisker " .. p.tone)
         if y_low - y_high > 6 then
            for _, y in ipairs { y_low, y_high } do
               out[#out + 1] = line(p.px - 4, y, p.px + 4, y, "whisker " .. p.tone)
            end
         end
      end
      out[#out + 1] = string.format('<circle cx="%s" cy="%s" r="5.5" class="dot %s"/>', n(p.px), n(p.py), p.tone)
      out[#out + 1] = text(p.px + (p.on_right and 11 or -11), p.label_y + 4, "label", p.label, p.on_right and "start" or "end")
   end
   out[#out + 1] = text((left + width - right) / 2, height - 8, "axis-title", options.x_label)
   out[#out + 1] = string.format('<text transform="translate(15 %s) rotate(-90)" class="axis-title" '
      .. 'text-anchor="middle">%s</text>', n((top + height - bottom) / 2), esc(options.y_label))
   out[#out + 1] = "</svg>"
   return table.concat(out)
end

-- A map of the relative error of every linear: one row for each role (attn.q, mlp.down, ...), one column for each block. Darker is
-- larger. grid: one of view:layer_grids().
function svg.error_map(grid)
   local cell, row, left, top = 17, 20, 88, 6
   local width, height = left + grid.blocks * cell + 8, top + #grid.roles * row + 34
   local description = string.format("Relative weight error of %d linears in %d blocks, from %s to %s, mean %s. "
      .. "Largest: %s.", grid.count, grid.blocks,
      format.significant(grid.low, 3), format.significant(grid.high, 3), format.significant(grid.mean, 3),
         grid.worst.name)
   local out = { open("map", width, height, "Relative weight error by layer, " .. grid.label, description) }
   local range = math.max(grid.high - grid.low, 1e-12)
   for i, role in ipairs(grid.roles) do
      local y = top + (i - 1) * row
      out[#out + 1] = text(left - 8, y + 14, "tick", role, "end")
      for block = 0, grid.blocks - 1 do
         local linear = grid.cells[role][block]
         if linear then
            local shade = 0.10 + 0.90 * (linear.relative_error - grid.low) / range
            out[#out + 1] = string.format('<rect x="%s" y="%s" width="%s" height="%s" rx="2" class="cell" '
               .. 'fill-opacity="%.3f"><title>%s: %s</title></rect>',
               n(left + block * cell), n(y), n(cell - 2), n(row - 2), shade, esc(linear.name),
                  format.significant(linear.relative_error, 3))
         end
      end
   end
   local base = top + #grid.roles * row
   for block = 0, grid.blocks - 1, grid.blocks > 12 and 5 or 1 do
      out[#out + 1] = text(left + block * cell + (cell - 2) / 2, base + 15, "tick", tostring(block))
   end
   out[#out + 1] = text(left + grid.blocks * cell / 2, base + 30, "axis-title", "block")
   out[#out + 1] = "</svg>"
   return table.concat(out)
end

-- The legend of an error map: eight shades between the smallest and the largest error.
function svg.ramp(low, high)
   local out = { '<span class="ramp"><span>' .. esc(low) .. "</span>" }
   for i = 0, 7 do out[#out + 1] = string.format('<i style="opacity:%.2f"></i>', 0.10 + 0.90 * i / 7) end
   out[#out + 1] = "<span>" .. esc(high) .. "</span></span>"
   return table.concat(out)
end

-- Bars around zero: for each window of the text the variant's value minus the reference's, in nats.
function svg.window_strip(differences, title)
   local width, height, left = 640, 92, 46
   local high = 0
   for _, d in ipairs(differences) do high = math.max(high, math.abs(d)) end
   high = high > 0 and high or 1
   local step = (width - left - 8) / #differences
   local out = { open("strip", width, height, title, string.format("%d windows; largest difference %s nats",
      #differences, format.significant(high, 3))) }
   local middle, scale = height / 2 - 6, (height / 2 - 12) / high
   out[#out + 1] = line(left, middle, width - 8, middle, "axis")
   for i, d in ipairs(differences) do
      local y = d >= 0 and middle - d * scale or middle
      out[#out + 1] = string.format('<rect x="%s" y="%s" width="%s" height="%s" class="bar %s"/>',
         n(left + (i - 1) * step + step * 0.15), n(y), n(step * 0.7), n(math.max(0.5, math.abs(d) * scale)),
         d > 0 and "bad" or "good")
   end
   out[#out + 1] = text(left - 6, middle - high * scale + 8, "tick", "+" .. format.significant(high, 2), "end")
      .. text(left - 6, middle + 4, "tick", "0", "end")
   out[#out + 1] = text((left + width) / 2, height - 2, "axis-title", "window, in order of the text")
   out[#out + 1] = "</svg>"
   return table.concat(out)
end

-- The parts of pictures that plots.lua uses too.
svg.parts = { open = open, line = line, text = text, number = n, nice_ticks = nice_ticks, log_ticks = log_ticks,
   asinh = asinh }

return svg

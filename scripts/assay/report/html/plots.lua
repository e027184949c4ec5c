-- Draws distributions and items as inline SVG: curves, bars to both sides, the plane of two scores, histograms, rows of dots.
-- Each picture has a title and a description in words. Its colours are CSS classes of style.lua.

local escape = require "assay.report.escape"
local format = require "assay.report.format"
local parts = require("assay.report.html.svg").parts

local plots = {}
local esc <const> = escape.html
local n, line, text = parts.number, parts.line, parts.text

local COLOURS <const> = 6

-- The CSS class of the i-th series. After six series the colours repeat, with dotted lines ("again").
function plots.colour(i) return "s" .. (i - 1) % COLOURS + 1 .. (i > COLOURS and " again" or "") end

-- The legend of a picture with several series: a coloured line for each name, or a square (filled) for bars and dots. A series with
-- `dashed` is a collapsed variant.
function plots.legend(series, filled)
   local out = {}
   for i, one in ipairs(series) do
      out[#out + 1] = '<span class="key ' .. (one.colour or plots.colour(i)) .. (one.dashed and " dashed" or "") .. '">'
         .. esc(one.label) .. "</span>"
   end
   return '<span class="legend' .. (filled and " filled" or "") .. '">' .. table.concat(out) .. "</span>"
end

-- The smallest and the largest coordinate of all points. axis: 1 for x, 2 for y; log: only positive values count.
local function limits(series, axis, log)
   local low, high = math.huge, -math.huge
   for _, one in ipairs(series) do
      for _, p in ipairs(one.points) do
         if not log or p[axis] > 0 then low, high = math.min(low, p[axis]), math.max(high, p[axis]) end
      end
   end
   if low > high then return 0, 1 end
   if low == high then low, high = low - 0.5, high + 0.5 end
   return low, high
end

-- Draws axes with ticks. Returns the list of markup so far, two functions that turn x and y into SVG units, and the inner box.
local function frame(o, x_low, x_high, y_low, y_high)
   local width, height, left, right, top, bottom = o.width or 520, o.height or 280, 66, 22, 12, 46
   local out = { parts.open("chart", width, height, o.title, o.description) }
   local lx0, lx1 = o.x_log and math.log(x_low) or x_low, o.x_log and math.log(x_high) or x_high
   local ly0, ly1 = o.y_log and math.log(y_low) or y_low, o.y_log and math.log(y_high) or y_high
   local function px(x) return left + ((o.x_log and math.log(x) or x) - lx0) / (lx1 - lx0) * (width - left - right) end
   local function py(y) return height - bottom - ((o.y_log and math.log(y) or y) - ly0) / (ly1 - ly0) * (height - top - bottom) end
   local show_x, show_y = o.show_x or function(x) return format.significant(x, 2) end, o.show_y
      or function(y) return format.significant(y, 2) end
   local y_ticks = o.y_log and parts.log_ticks(y_low, y_high) or parts.nice_ticks(y_low, y_high, 5)
   for _, y in ipairs(y_ticks) do
      out[#out + 1] = line(left, py(y), width - right, py(y), "grid") .. text(left - 8, py(y) + 4, "tick", show_y(y), "end")
   end
   local last = -math.huge
   for _, x in ipairs(o.x_ticks or o.x_log and parts.log_ticks(x_low, x_high) or parts.nice_ticks(x_low, x_high, 6)) do
      if px(x) - last > 38 then
         last = px(x)
         out[#out + 1] = line(px(x), height - bottom, px(x), height - bottom + 5, "axis")
            .. text(px(x), height - bottom + 19, "tick", show_x(x))
      end
   end
   out[#out + 1] = line(left, height - bottom, width - right, height - bottom, "axis")
   out[#out + 1] = text((left + width - right) / 2, height - 6, "axis-title", o.x_label)
   out[#out + 1] = string.format('<text transform="translate(14 %s) rotate(-90)" class="axis-title" '
      .. 'text-anchor="middle">%s</text>', n((top + height - bottom) / 2), esc(o.y_label))
   return out, px, py, { left = left, right = width - right, top = top, bottom = height - bottom }
end

-- Curves. series: { { label, points = { { x, y }, ... }, dashed }, ... }; options o: title, description, x_label, y_label,
-- x_log, y_log, y_low, y_high, zero (a line at y = 0), mark = { x, label }, steps (y stays the same until the next x).
function plots.curves(series, o)
   local x_low, x_high = limits(series, 1, o.x_log)
   local y_low, y_high = limits(series, 2, o.y_log)
   y_low, y_high = o.y_low or y_low, o.y_high or y_high
   local out, px, py, box = frame(o, x_low, x_high, y_low, y_high)
   if o.zero then out[#out + 1] = line(box.left, py(0), box.right, py(0), "zero") end
   local marked = o.mark and o.mark[1] >= x_low and o.mark[1] <= x_high
   if marked then out[#out + 1] = line(px(o.mark[1]), box.top, px(o.mark[1]), box.bottom, "reference") end
   for i, one in ipairs(series) do
      local path = {}
      local before
      for _, p in ipairs(one.points) do
         if (not o.x_log or p[1] > 0) and (not o.y_log or p[2] > 0) then
            local x, y = n(px(math.max(x_low, math.min(x_high, p[1])))), n(py(math.max(y_low, math.min(y_high, p[2]))))
            if o.steps and before then path[#path + 1] = x .. "," .. before end
            path[#path + 1], before = x .. "," .. y, y
         end
      end
      out[#out + 1] = '<polyline points="' .. table.concat(path, " ") .. '" class="curve '
         .. (one.colour or plots.colour(i)) .. (one.dashed and " dashed" or "") .. '"/>'
   end
   if marked then out[#out + 1] = text(px(o.mark[1]) - 4, box.top + 15, "tick", o.mark[2], "end") end -- drawn last, above the curves
   return table.concat(out) .. "</svg>"
end

-- Bars for each variant: items lost to the left, gained to the right. rows: { { label, lost, gained, dashed }, ... }
function plots.diverging(rows, o)
   local longest, most = 0, 1
   for _, one in ipairs(rows) do longest = math.max(longest, utf8.len(one.label) or #one.label) end
   local width, row, left = 560, 26, math.max(120, math.min(300, 9 * longest + 16)) -- 9: width of a bold letter on a phone
   local height = #rows * row + 40
   for _, one in ipairs(rows) do most = math.max(most, one.lost, one.gained, one.noise or 0) end
   local middle, scale = left + (width - left - 10) / 2, (width - left - 80) / 2 / most
   local out = { parts.open("chart", width, height, o.title, o.description) }
   for i, one in ipairs(rows) do
      local y = (i - 1) * row + 6
      local function bar(from, size, tone)
         return string.format('<rect x="%s" y="%s" width="%s" height="%s" rx="2" class="bar %s%s"/>', n(from), n(y),
            n(math.max(0.5, size)), n(row - 10), tone, one.dashed and " hatched" or "")
      end
      out[#out + 1] = text(left - 10, y + 12, "label", one.label, "end")
         .. bar(middle - one.lost * scale, one.lost * scale, "bad") .. bar(middle, one.gained * scale, "good")
         .. text(middle - one.lost * scale - 5, y + 12, "tick", tostring(one.lost), "end")
         .. text(middle + one.gained * scale + 5, y + 12, "tick", tostring(one.gained), "start")
   end
   out[#out + 1] = line(middle, 0, middle, #rows * row + 4, "zero")
      .. text(middle - 8, height - 8, "axis-title", "lost", "end") .. text(middle + 8, height - 8, "axis-title", "gained", "start")
   return table.concat(out) .. "</svg>"
end

-- Two scores against each other, each from 0 to 1. Squares (corners) mark scores that need no model, such as always abstaining.
-- points: { { x, y, label, dashed }, ... }; corners: { { x, y, label }, ... }
function plots.plane(points, corners, o)
   o.show_x = function(x) return format.percent(x, 0) end
   o.show_y, o.width, o.height = o.show_x, 440, 330
   local out, px, py = frame(o, 0, 1, 0, 1)
   for _, corner in ipairs(corners) do
      out[#out + 1] = string.format('<rect x="%s" y="%s" width="10" height="10" class="corner"/>', n(px(corner[1]) - 5),
         n(py(corner[2]) - 5)) .. text(px(corner[1]) + (corner[1] > 0.5 and -10 or 10), py(corner[2]) + (corner[2] > 0.5 and 16 or -8),
         "tick", corner[3], corner[1] > 0.5 and "end" or "start")
   end
   for i, p in ipairs(points) do
      out[#out + 1] = string.format('<circle cx="%s" cy="%s" r="6" class="spot %s"><title>%s</title></circle>', n(px(p[1])),
         n(py(p[2])), (p.colour or plots.colour(i)) .. (p.dashed and " hollow" or ""), esc(p.label))
   end
   return table.concat(out) .. "</svg>"
end

-- A group of bars for each label, with one bar for each series. series: { { label, counts = { A = 3, ... } }, ... };
-- labels: their names in the order of the x axis.
function plots.histogram(series, labels, o)
   local most = 1
   for _, one in ipairs(series) do
      for _, label in ipairs(labels) do most = math.max(most, one.counts[label] or 0) end
   end
   local width, height, left, bottom, top = 560, 230, 50, 40, 10
   local step = (width - left - 10) / #labels
   local bar = step * 0.8 / #series
   local out = { parts.open("chart", width, height, o.title, o.description) }
   local function py(count) return height - bottom - count / most * (height - bottom - top) end
   for _, tick in ipairs(parts.nice_ticks(0, most, 4)) do
      out[#out + 1] = line(left, py(tick), width - 10, py(tick), "grid") .. text(left - 8, py(tick) + 4, "tick", format.count(tick), "end")
   end
   for k, label in ipairs(labels) do
      local x = left + (k - 1) * step + step * 0.1
      for i, one in ipairs(series) do
         local count = one.counts[label] or 0
         out[#out + 1] = string.format('<rect x="%s" y="%s" width="%s" height="%s" class="fill %s"/>', n(x + (i - 1) * bar),
            n(py(count)), n(bar * 0.92), n(math.max(0.5, height - bottom - py(count))), one.colour or plots.colour(i))
      end
      out[#out + 1] = text(x + step * 0.4, height - bottom + 18, "tick", tostring(label))
   end
   out[#out + 1] = line(left, height - bottom, width - 10, height - bottom, "axis")
      .. text((left + width) / 2, height - 6, "axis-title", o.x_label)
   return table.concat(out) .. "</svg>"
end

-- Rows of dots on a common scale, which show how a number varies over seeds or sizes. rows: { { label, values = { ... } }, ... }
function plots.strips(rows, o)
   local width, row, left = 560, 26, 180
   local low, high = math.huge, -math.huge
   for _, one in ipairs(rows) do
      for _, value in ipairs(one.values) do low, high = math.min(low, value), math.max(high, value) end
   end
   if high <= low then low, high = low - 0.5, low + 0.5 end
   local height = #rows * row + 44
   local function px(x) return left + (x - low) / (high - low) * (width - left - 30) end
   local out = { parts.open("chart", width, height, o.title, o.description) }
   for _, tick in ipairs(parts.nice_ticks(low, high, 5)) do
      out[#out + 1] = line(px(tick), 0, px(tick), #rows * row, "grid")
         .. text(px(tick), #rows * row + 17, "tick", format.significant(tick, 3))
   end
   for i, one in ipairs(rows) do
      local y = (i - 1) * row + row / 2
      out[#out + 1] = text(left - 10, y + 4, "label", one.label, "end")
      for _, value in ipairs(one.values) do
         out[#out + 1] = string.format('<circle cx="%s" cy="%s" r="4.2" class="dot open"/>', n(px(value)), n(y))
      end
   end
   out[#out + 1] = text((left + width) / 2, height - 6, "axis-title", o.x_label)
   return table.concat(out) .. "</svg>"
end

return plots

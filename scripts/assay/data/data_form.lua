-- Finds the form of a data file: text, jsonl, json, csv, tsv or parquet, or a form that must be converted first, such as gzip.
-- The content decides if it is certain (first bytes of binary files, readable JSON), else the ending of the name.
-- dataset.lua and the dataset plugins read the files.
local fail = require "assay.lib.fail"
local native = require "assay.native"
local fs = native.fs

local data_form = {}

local ENDINGS <const> = { txt = "text", md = "text", raw = "text", jsonl = "jsonl", ndjson = "jsonl", json = "json",
                          csv = "csv", tsv = "tsv", parquet = "parquet" }

-- Forms that must be converted first: the first bytes of the file, the form's name, and what the user can do. FILE stands for the path.
local MARKS <const> = {
   { "\x1f\x8b", "gzip", "Unpack it: gunzip -k FILE" },
   { "PK\x03\x04", "a zip archive", "Unpack it: unzip FILE (files of Excel, Word and NumPy are zip archives too)" },
   { "\x28\xb5\x2f\xfd", "zstd", "Unpack it: unzstd FILE" },
   { "BZh", "bzip2", "Unpack it: bunzip2 -k FILE" },
   { "\xfd7zXZ\0", "xz", "Unpack it: unxz -k FILE" },
   { "\xff\xfe\0\0", "UTF-32", "Convert it: iconv -f UTF-32 -t UTF-8 FILE > NEW" },
   { "\0\0\xfe\xff", "UTF-32", "Convert it: iconv -f UTF-32 -t UTF-8 FILE > NEW" },
   { "\xff\xfe", "UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW" },
   { "\xfe\xff", "UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW" },
   { "ARROW1", "Arrow", "Write it as Parquet, or as JSON lines: Dataset.to_parquet or to_json of the datasets library" },
   { "\xff\xff\xff\xff", "an Arrow stream",
     "Write it as Parquet, or as JSON lines: Dataset.to_parquet or to_json of the datasets library" },
   { "version https://git-lfs.github.com/", "a pointer of Git LFS, not the file itself", "Get the file: git lfs pull" },
   { "%PDF-", "PDF", "Take the text out of it: pdftotext FILE NEW" },
   { "SQLite format 3\0", "an SQLite database", "Write the wanted table as CSV: sqlite3 -header -csv FILE \"SELECT ...\"" },
   { "\x89HDF\r\n", "HDF5", "Write its texts as JSON lines" },
   { "\x93NUMPY", "a NumPy array", "Write its texts as JSON lines" },
}

-- "report.JSONL" -> "jsonl"; "" without an ending.
local function ending_of(path) return (path:match "[^/]%.([^./]*)$" or ""):lower() end

local function decoded(text)
   local ok, value = pcall(native.json.decode, text)
   return ok and type(value) == "table" and value or nil
end

local function is_object(line) return line:find "^%s*{" ~= nil and decoded(line) ~= nil end

-- UTF-16 without a byte-order mark: every other byte of plain letters is NUL.
local function is_wide(head) return head:find "^[%g%s]%z[%g%s]%z" or head:find "^%z[%g%s]%z[%g%s]" end

-- "json" or "jsonl" if the content is one of them, else nil. source: { head = the first 4096 bytes, lines(n) = the first n lines
-- that are not blank, whole() = all of the text }, all without a byte-order mark.
local function json_form(source, ending)
   local first = source.head:match "^%s*([%[{])"
   if first == "[" then return (ending == "json" or decoded(source.whole())) and "json" or nil end
   if first ~= "{" then return nil end
   local lines = source.lines(2)
   if ending == "json" and #lines == 1 then return "json" end
   local all = true
   for _, line in ipairs(lines) do all = all and is_object(line) end
   if all then return "jsonl" end
   return (ending == "json" or decoded(source.whole())) and "json" or nil
end

-- Returns { form }, or { form, way } if the file must be converted first; `way` is a sentence that tells the user how.
local function decide(source, ending)
   for _, mark in ipairs(MARKS) do
      if source.head:sub(1, #mark[1]) == mark[1] then return { form = mark[2], way = mark[3] } end
   end
   if is_wide(source.head) then
      return { form = "UTF-16", way = "Convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW (or UTF-16BE)" }
   end
   if source.head:sub(1, 4) == "PAR1" then return { form = "parquet" } end
   source.head = source.head:gsub("^\xef\xbb\xbf", "")
   return { form = json_form(source, ending) or ENDINGS[ending] or "text" }
end

-- The first n lines that are not blank.
local function solid_lines(next_line, n)
   local lines = {}
   for line in next_line do
      if line:find "%S" then lines[#lines + 1] = line end
      if #lines == n then break end
   end
   return lines
end

local function without_mark(text) return (text:gsub("^\xef\xbb\xbf", "")) end

-- The form of bytes in memory, as `decide` returns it. name: the file's name, for its ending.
function data_form.of_bytes(name, bytes)
   local text = without_mark(bytes)
   return decide({ head = bytes:sub(1, 4096), lines = function(n) return solid_lines(text:gmatch "[^\n]+", n) end,
                   whole = function() return text end }, ending_of(name))
end

-- Whether the path is an ordinary file, which can be read more than once: not a folder, a pipe or a device.
function data_form.is_file(path)
   return fs.kind(path) == "file" and pcall(fs.size, path)
end

local function of_file(path)
   local file, problem = io.open(path, "rb")
   if not file then fail.work("cannot read the file", { where = path, cause = problem }) end
   local source = { head = file:read(4096) or "" }
   function source.lines(n)
      file:seek "set"
      return solid_lines(function()
         local line = file:read "l"
         return line and without_mark(line)
      end, n)
   end
   function source.whole()
      file:seek "set"
      return without_mark(file:read "a")
   end
   local found = decide(source, ending_of(path))
   file:close()
   return found
end

-- Returns the form of a folder's files by their endings: "text" if the known endings stand for different forms.
local function of_folder(path)
   local form
   for _, name in ipairs(fs.list(path) or {}) do
      local one = ENDINGS[ending_of(name)]
      if one and form and one ~= form then return { form = "text" } end -- the plugin for text will say what it needs
      form = one or form
   end
   return { form = form or "text" }
end

-- Returns { form } of a file or folder. Raises if the form must be converted first; the hint of the error says how.
-- A path that is neither a file nor a folder (nothing is there, or a pipe) is judged by its name alone.
function data_form.of(path)
   local found
   if fs.kind(path) == "folder" then found = of_folder(path)
   elseif data_form.is_file(path) then found = of_file(path)
   else found = { form = ENDINGS[ending_of(path)] or "text" } end
   return data_form.readable(path, found)
end

-- Returns `found`, which of_bytes, of_file or of_folder has made. Raises if its form must be converted first.
function data_form.readable(path, found)
   if not found.way then return found end
   fail.work(("this is %s, which is not read here"):format(found.form),
             { where = path, hint = (found.way:gsub("FILE", function() return path end)) })
end

return data_form

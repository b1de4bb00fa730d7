--[[
Denoise exported pictures with restorekit.

Adds the target "denoise with restorekit" to the export module of darktable 4 or newer. Each exported
picture is restored next to its original, as NAME-restored.EXT, and imported. No file is overwritten.
Copy this file to the folder "lua" of darktable's configuration, and add to the file "luarc" there:

    require "restorekit"

The program is set in the preferences, tab "lua options", if it is not found.
]]

local darktable = require "darktable"

local MODULE = "restorekit"
local MODELS = { "auto", "swift-photo", "swift-gaussian", "swift-impulse" }
local FORMATS = { tif = true, tiff = true, png = true, jpg = true, jpeg = true, webp = true }

darktable.preferences.register(
  MODULE, "program", "string", "restorekit: program", "name or path of the program restorekit", MODULE
)

local model = darktable.new_widget("combobox") {
  label = "model",
  tooltip = "auto chooses the network for each picture",
  value = 1,
  table.unpack(MODELS),
}

local strength = darktable.new_widget("slider") {
  label = "strength",
  tooltip = "share of the change that is made",
  hard_min = 0, hard_max = 1, soft_min = 0, soft_max = 1,
  step = 0.05, digits = 2,
  value = 1,
}

-- A word of a command that the shell takes as it is.
local function quoted(word)
  if darktable.configuration.running_os == "windows" then
    return '"' .. word .. '"'
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

-- The file for a result, next to the original, with a number if there is one already.
local function free_path(image, exported)
  local suffix = exported:match("%.[^./\\]+$") or ".tif"
  local stem = image.path .. "/" .. image.filename:gsub("%.[^.]*$", "") .. "-restored"
  local path, number = stem .. suffix, 1
  while exists(path) do
    number = number + 1
    path = stem .. "-" .. number .. suffix
  end
  return path
end

local function command_for(exported, result)
  local program = darktable.preferences.read(MODULE, "program", "string")
  local words = {
    quoted(program), "denoise", quoted(exported), "-o", quoted(result), "--model", model.value,
    -- With a point in every language.
    "--strength", (string.format("%.2f", strength.value):gsub(",", ".")),
  }
  return table.concat(words, " ")
end

-- Called by darktable for each exported picture.
local function store(_, image, _, exported, number, total)
  local result = free_path(image, exported)
  darktable.print(string.format("restorekit: picture %d of %d", number, total))
  local code = darktable.control.execute(command_for(exported, result))
  os.remove(exported)
  if code == 0 and exists(result) then
    darktable.database.import(result)
  else
    darktable.print_error("restorekit failed with code " .. tostring(code))
    darktable.print("restorekit: " .. image.filename .. " could not be restored")
  end
end

local function is_supported(_, format)
  return FORMATS[format.extension:lower()] == true
end

darktable.register_storage(
  MODULE, "denoise with restorekit", store, nil, is_supported, nil,
  darktable.new_widget("box") { orientation = "vertical", model, strength }
)

local function destroy()
  darktable.destroy_storage(MODULE)
end

return { metadata = { name = MODULE, purpose = "denoise exported pictures" }, destroy = destroy }

// See the header.
//
// Errors of Lua jump over C++ frames, so none is raised where something has a destructor: functions
// return what went wrong, and guarded() alone raises it.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "plugins/start_files.hpp"

#include <cstdlib>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "plugins/lua_values.hpp"
#include "plugins/shell_plugin.h"

namespace hactor::plugins {

struct start_files::interpreter {
  explicit interpreter(stack& p) : plugins{p}, lua{luaL_newstate()} {}
  interpreter(const interpreter&) = delete;
  ~interpreter() { lua_close(lua); }

  stack& plugins;
  lua_State* lua;
  std::string folder{}; // of the file that runs
};

namespace {

using interpreter = start_files::interpreter;

interpreter& own(lua_State* lua) { return **static_cast<interpreter**>(lua_getextraspace(lua)); }
job_view& job_of(lua_State* lua) { return own(lua).plugins.job(); }

/// What a function returns: how many values it has pushed, or what went wrong.
struct outcome {
  int values = 0;
  std::string wrong{};
};
using function = outcome (*)(lua_State*);

template <function F>
int guarded(lua_State* lua) {
  auto values = 0;
  auto good = true;
  {
    auto o = F(lua);
    values = o.values;
    good = o.wrong.empty();
    if (!good) {
      luaL_where(lua, 1);
      lua_pushlstring(lua, o.wrong.data(), o.wrong.size());
      lua_concat(lua, 2);
    }
  }
  return good ? values : lua_error(lua);
}

/// Optional third argument of setenv: 0 and false leave what is there.
bool overwrites(lua_State* lua, int index) {
  auto value = value_at(lua, index);
  return value != 0 && value != false;
}

outcome push_text(lua_State* lua, const std::string* text) {
  if (text == nullptr)
    lua_pushnil(lua);
  else
    lua_pushlstring(lua, text->data(), text->size());
  return {1};
}

std::string field(lua_State* lua, int table, const char* name) {
  lua_getfield(lua, table, name);
  auto text = text_at(lua, -1);
  lua_pop(lua, 1);
  return text;
}

// -- plugin ---------------------------------------------------------------------------------------

std::string search_path_of(lua_State* lua) {
  lua_getglobal(lua, "plugin");
  auto path = lua_istable(lua, -1) ? field(lua, -1, "searchpath") : std::string{};
  lua_pop(lua, 1);
  return path;
}

outcome plugin_load(lua_State* lua) {
  auto wanted = value_at(lua, 1);
  if (wanted.is_string())
    wanted = {{"file", wanted}};
  if (!wanted.is_object() || !wanted.contains("file") || !wanted["file"].is_string())
    return {0, "plugin.load wants {file = NAME, conf = TABLE}"};
  auto file = wanted["file"].get<std::string>();
  auto wrong = own(lua).plugins.load(file, dump(wanted.value("conf", json{})), search_path_of(lua));
  return {0, wrong.empty() ? wrong : "plugin.load: " + file + ": " + wrong};
}

/// Calls a Lua function with the topic and its argument; what it returns is an answer, if a text.
int call_handler(interpreter& i, int function, const char* topic) {
  auto* lua = i.lua;
  lua_rawgeti(lua, LUA_REGISTRYINDEX, function);
  lua_pushstring(lua, topic);
  auto argument = parse_json(i.plugins.argument());
  push_value(lua, argument ? *argument : json{});
  if (lua_pcall(lua, 2, 1, 0) != LUA_OK) {
    i.plugins.job().fail(text_at(lua, -1));
    lua_pop(lua, 1);
    return -1;
  }
  auto result = value_at(lua, -1);
  lua_pop(lua, 1);
  if (result.is_string())
    i.plugins.set_answer(result.get<std::string>());
  return result == false || (result.is_number() && result < 0) ? -1 : 0;
}

outcome plugin_register(lua_State* lua) {
  constexpr auto wants = "plugin.register wants {name = NAME, handlers = {{topic = PATTERN, fn = "
                         "FUNCTION}, ..}}";
  if (!lua_istable(lua, 1))
    return {0, wants};
  auto name = field(lua, 1, "name");
  lua_getfield(lua, 1, "handlers");
  if (name.empty() || !lua_istable(lua, -1))
    return {0, wants};
  auto& i = own(lua);
  auto& plugin = i.plugins.add(name, "null");
  for (lua_Unsigned k = 1, count = lua_rawlen(lua, -1); k <= count; ++k) {
    lua_rawgeti(lua, -1, static_cast<lua_Integer>(k));
    auto topic = lua_istable(lua, -1) ? field(lua, -1, "topic") : std::string{};
    if (topic.empty() || lua_getfield(lua, -1, "fn") != LUA_TFUNCTION)
      return {0, wants};
    auto function = luaL_ref(lua, LUA_REGISTRYINDEX);
    plugin.handlers.push_back(
        {topic, [&i, function](const char* t) { return call_handler(i, function, t); }});
    lua_pop(lua, 1);
  }
  return {};
}

// -- source ---------------------------------------------------------------------------------------

/// Runs a file; what went wrong.
std::string run_file(lua_State* lua, const std::string& file) {
  auto& i = own(lua);
  auto slash = file.rfind('/');
  auto outer = std::exchange(i.folder, slash == file.npos ? "." : file.substr(0, slash));
  std::string wrong;
  if (luaL_loadfile(lua, file.c_str()) != LUA_OK || lua_pcall(lua, 0, 0, 0) != LUA_OK) {
    wrong = text_at(lua, -1);
    lua_pop(lua, 1);
  }
  i.folder = std::move(outer);
  return wrong;
}

outcome source_files(lua_State* lua, bool must_be) {
  auto pattern = text_at(lua, 1);
  if (!pattern.starts_with('/'))
    pattern = own(lua).folder + "/" + pattern;
  auto files = files_like(pattern);
  if (files.empty() && must_be && !is_pattern(pattern))
    return {0, "source: no such file: " + pattern};
  for (auto& file : files)
    if (auto wrong = run_file(lua, file); !wrong.empty())
      return {0, wrong};
  return {};
}

outcome source(lua_State* lua) { return source_files(lua, true); }
outcome source_if_exists(lua_State* lua) { return source_files(lua, false); }

/// The files of lua.d beside the start file, and of the folders in HACTOR_SHELL_RC_PATH.
outcome source_rcpath(lua_State* lua) {
  auto pattern = text_at(lua, 1);
  auto folders = own(lua).folder + "/lua.d";
  if (auto* more = std::getenv("HACTOR_SHELL_RC_PATH"); more != nullptr && *more != '\0')
    (folders += ':') += more;
  for (size_t at = 0; at <= folders.size();) {
    auto end = std::min(folders.find(':', at), folders.size());
    for (auto& file : files_like(folders.substr(at, end - at) + "/" + pattern))
      if (auto wrong = run_file(lua, file); !wrong.empty())
        return {0, wrong};
    at = end + 1;
  }
  return {};
}

// -- shell ----------------------------------------------------------------------------------------

outcome shell_getenv(lua_State* lua) {
  auto& variables = job_of(lua).environment;
  if (lua_isnoneornil(lua, 1)) {
    push_value(lua, json(variables.all()));
    return {1};
  }
  return push_text(lua, variables.find(text_at(lua, 1)));
}

outcome shell_setenv(lua_State* lua) {
  auto name = text_at(lua, 1);
  if (!job_of(lua).environment.set(name, text_at(lua, 2), overwrites(lua, 3)))
    return {0, "shell.setenv: '" + name + "' is no name of a variable"};
  return {};
}

outcome shell_unsetenv(lua_State* lua) {
  job_of(lua).environment.unset(text_at(lua, 1));
  return {};
}

outcome push_option(lua_State* lua, const std::string& name) {
  auto* value = find_json(job_of(lua).options, name);
  if (value == nullptr && name == "verbose")
    lua_pushinteger(lua, 0);
  else
    push_value(lua, value == nullptr ? json{} : *value);
  return {1};
}

outcome set_option(lua_State* lua, int name, int value) {
  auto option = text_at(lua, name);
  if (!job_of(lua).set_option(option, value_at(lua, value)))
    return {0, "'" + option + "' is no name of an option"};
  return {};
}

outcome shell_getopt(lua_State* lua) { return push_option(lua, text_at(lua, 1)); }
outcome shell_setopt(lua_State* lua) { return set_option(lua, 1, 2); }
outcome shell_getopts(lua_State* lua) {
  push_value(lua, job_of(lua).options);
  return {1};
}
outcome options_index(lua_State* lua) { return push_option(lua, text_at(lua, 2)); }
outcome options_newindex(lua_State* lua) { return set_option(lua, 2, 3); }

outcome shell_rank_info(lua_State* lua) {
  auto rank = lua_isnoneornil(lua, 1) ? -1 : static_cast<int>(lua_tointeger(lua, 1));
  push_value(lua, job_of(lua).rank_info(rank));
  return {1};
}

outcome shell_index(lua_State* lua) {
  auto name = text_at(lua, 2);
  if (name == "info") {
    auto info = job_of(lua).info();
    push_value(lua, info);
  } else if (name == "rankinfo") {
    push_value(lua, job_of(lua).rank_info(-1));
  } else if (name == "rcpath") {
    push_text(lua, &own(lua).folder);
  } else {
    lua_pushnil(lua);
  }
  return {1};
}

template <int Level>
outcome shell_log(lua_State* lua) {
  own(lua).plugins.log("lua", Level, text_at(lua, 1));
  return {};
}

outcome shell_die(lua_State* lua) {
  auto why = text_at(lua, 1);
  job_of(lua).fail(why);
  return {0, why.empty() ? "shell.die" : why};
}

outcome shell_write(lua_State* lua) {
  if (!job_of(lua).write(lua_tointeger(lua, 1), static_cast<int>(lua_tointeger(lua, 2)),
                         text_at(lua, 3)))
    return {0, "shell.write wants a task of this node, or -1, and stream 1 or 2"};
  return {};
}

// -- task -----------------------------------------------------------------------------------------

constexpr auto no_task = "there is no current task: it is there in topics task.* only";

outcome task_index(lua_State* lua) {
  auto* t = job_of(lua).current;
  if (text_at(lua, 2) != "info") {
    lua_pushnil(lua);
    return {1};
  }
  if (t == nullptr)
    return {0, no_task};
  push_value(lua, job_of(lua).task_info(*t));
  return {1};
}

outcome task_getenv(lua_State* lua) {
  auto* t = job_of(lua).current;
  return t == nullptr ? outcome{0, no_task}
                      : push_text(lua, job_of(lua).task_variable(*t, text_at(lua, 1)));
}

outcome task_setenv(lua_State* lua) {
  auto* t = job_of(lua).current;
  if (t == nullptr)
    return {0, no_task};
  auto name = text_at(lua, 1);
  if (!job_of(lua).set_task_variable(*t, name, text_at(lua, 2), overwrites(lua, 3)))
    return {0, "task.setenv: '" + name + "' is no name of a variable"};
  return {};
}

outcome task_unsetenv(lua_State* lua) {
  auto* t = job_of(lua).current;
  if (t == nullptr)
    return {0, no_task};
  t->own.unset(text_at(lua, 1));
  return {};
}

outcome task_setargv(lua_State* lua) {
  if (!job_of(lua).set_command(value_at(lua, 1)))
    return {0, "task.setargv wants a list of words, in task.init"};
  return {};
}

outcome task_write(lua_State* lua) {
  if (job_of(lua).current == nullptr
      || !job_of(lua).write(-1, static_cast<int>(lua_tointeger(lua, 1)), text_at(lua, 2)))
    return {0, "task.write wants stream 1 or 2 and a text, in topics task.*"};
  return {};
}

// -- the tables -----------------------------------------------------------------------------------

constexpr luaL_Reg plugin_functions[] = {
    {"load", guarded<plugin_load>}, {"register", guarded<plugin_register>}, {nullptr, nullptr}};

constexpr luaL_Reg shell_functions[] = {{"getenv", guarded<shell_getenv>},
                                        {"setenv", guarded<shell_setenv>},
                                        {"unsetenv", guarded<shell_unsetenv>},
                                        {"getopt", guarded<shell_getopt>},
                                        {"setopt", guarded<shell_setopt>},
                                        {"getopts", guarded<shell_getopts>},
                                        {"get_rankinfo", guarded<shell_rank_info>},
                                        {"log", guarded<shell_log<HACTOR_LOG_INFO>>},
                                        {"debug", guarded<shell_log<HACTOR_LOG_DEBUG>>},
                                        {"log_error", guarded<shell_log<HACTOR_LOG_ERROR>>},
                                        {"die", guarded<shell_die>},
                                        {"write", guarded<shell_write>},
                                        {"source_rcpath", guarded<source_rcpath>},
                                        {nullptr, nullptr}};

constexpr luaL_Reg task_functions[] = {
    {"getenv", guarded<task_getenv>},     {"setenv", guarded<task_setenv>},
    {"unsetenv", guarded<task_unsetenv>}, {"setargv", guarded<task_setargv>},
    {"write", guarded<task_write>},       {nullptr, nullptr}};

/// Gives the table on top of the stack a way to what it does not have.
void set_index(lua_State* lua, lua_CFunction index, lua_CFunction newindex) {
  lua_newtable(lua);
  lua_pushcfunction(lua, index);
  lua_setfield(lua, -2, "__index");
  if (newindex != nullptr) {
    lua_pushcfunction(lua, newindex);
    lua_setfield(lua, -2, "__newindex");
  }
  lua_setmetatable(lua, -2);
}

/// Makes the tables; in a protected call, since memory may be short.
int make_tables(lua_State* lua) {
  luaL_openlibs(lua);
  luaL_newlib(lua, plugin_functions);
  lua_pushstring(lua, own(lua).plugins.job().job().search_path.c_str());
  lua_setfield(lua, -2, "searchpath");
  lua_setglobal(lua, "plugin");
  luaL_newlib(lua, shell_functions);
  lua_newtable(lua);
  set_index(lua, guarded<options_index>, guarded<options_newindex>);
  lua_setfield(lua, -2, "options");
  set_index(lua, guarded<shell_index>, nullptr);
  lua_setglobal(lua, "shell");
  luaL_newlib(lua, task_functions);
  set_index(lua, guarded<task_index>, nullptr);
  lua_setglobal(lua, "task");
  lua_pushcfunction(lua, guarded<source>);
  lua_setglobal(lua, "source");
  lua_pushcfunction(lua, guarded<source_if_exists>);
  lua_setglobal(lua, "source_if_exists");
  return 0;
}

} // namespace

start_files::start_files(stack& plugins) : lua_{std::make_unique<interpreter>(plugins)} {
  *static_cast<interpreter**>(lua_getextraspace(lua_->lua)) = lua_.get();
  lua_pushcfunction(lua_->lua, make_tables);
  if (lua_pcall(lua_->lua, 0, 0, 0) != LUA_OK)
    plugins.job().fail("Lua: " + text_at(lua_->lua, -1));
}

start_files::~start_files() = default;

std::string start_files::run(const std::string& file) { return run_file(lua_->lua, file); }

std::string start_files::search_path() const { return search_path_of(lua_->lua); }

} // namespace hactor::plugins

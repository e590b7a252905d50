-- A start file: sets a variable of all tasks, loads the plugin in C that lies beside it, and
-- answers what {{color}} stands for.
-- SPDX-License-Identifier: LGPL-3.0-or-later
shell.setenv("GREETING", "hello from " .. shell.rankinfo.name)
plugin.load { file = shell.getenv("EXAMPLE_FOLDER") .. "/rank_files.so", conf = { variable = "MY_FOLDER" } }

plugin.register {
  name = "greet",
  handlers = {
    { topic = "mustache.render.color", fn = function () return "blue" end },
    { topic = "task.init", fn = function ()
        task.setenv("TURN", task.info.rank + 1 .. " of " .. shell.info.ntasks)
      end },
  }
}

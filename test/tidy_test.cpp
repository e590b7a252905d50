// The rules of doc/style.md that a machine can check, over the tree as it lies there: layers, rooms
// (MPI, processes, clocks, threads), sizes, heads, and that nothing is left out of the build. Every
// finding is printed as "file:line: what is wrong", all of them in one run.
// Text is looked at as a reader would: comments and literals are blanked first where code is meant.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;

using lines = std::vector<std::string>;

constexpr size_t columns_max = 100;
constexpr size_t function_lines_max = 70;
constexpr size_t source_lines_max = 800;
constexpr size_t atom_bytes_max = 10;
constexpr size_t readme_lines_max = 20;
constexpr size_t example_readme_lines_max = 25;

/// Which folders a folder's sources may include.
const std::map<std::string, std::set<std::string>> layers{
    {"runtime", {"runtime"}},
    {"store", {"store", "runtime"}},
    {"graph", {"graph", "runtime"}},
    {"reapi", {"reapi", "workflow", "graph", "runtime"}},
    {"actors", {"actors", "graph", "store", "runtime"}},
    {"workflow", {"workflow", "runtime"}},
    {"tools", {"tools", "workflow", "actors", "graph", "store", "runtime"}},
    {"plugins", {"plugins", "actors", "runtime"}},
    {"mpi-boot", {"mpi-boot", "workflow", "actors", "graph", "store", "runtime"}},
    {"test",
     {"test", "plugins", "reapi", "tools", "mpi-boot", "workflow", "actors", "graph", "store",
      "runtime"}},
};

/// CAF headers for values, which pure code may use.
const std::set<std::string> value_headers{"caf/error.hpp",
                                          "caf/expected.hpp",
                                          "caf/none.hpp",
                                          "caf/meta/type_name.hpp",
                                          "caf/error_code_enum.hpp",
                                          "caf/is_error_code_enum.hpp",
                                          "caf/type_id.hpp",
                                          "caf/fwd.hpp"};

struct source {
  std::string path; // below the root
  std::string folder;
  lines raw;
  lines code; // comments and literals blanked
};

std::string read_file(const fs::path& p) {
  std::ifstream in{p, std::ios::binary};
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

lines split(const std::string& text) {
  lines result;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    result.push_back(line);
  return result;
}

/// Where the literal that begins at `i` ends (behind its last quote).
size_t literal_end(const std::string& text, size_t i) {
  if (text[i] == '"' && i > 0 && text[i - 1] == 'R') {
    auto open = text.find('(', i);
    auto close = ")" + text.substr(i + 1, open - i - 1) + "\"";
    auto end = text.find(close, open);
    return end == std::string::npos ? text.size() : end + close.size();
  }
  auto quote = text[i];
  for (++i; i < text.size() && text[i] != quote && text[i] != '\n'; ++i)
    if (text[i] == '\\')
      ++i;
  return std::min(i + 1, text.size());
}

/// The text with comments and the insides of literals turned into blanks.
std::string blank(const std::string& text) {
  auto result = text;
  auto erase = [&](size_t from, size_t to) {
    for (auto i = from; i < std::min(to, result.size()); ++i)
      if (result[i] != '\n')
        result[i] = ' ';
  };
  for (size_t i = 0; i < text.size();) {
    auto two = std::string_view{text}.substr(i, 2);
    auto digit_mark = text[i] == '\'' && i > 0 && std::isxdigit(static_cast<uint8_t>(text[i - 1]));
    size_t end = i + 1;
    if (two == "//") {
      end = std::min(text.find('\n', i), text.size());
      erase(i, end);
    } else if (two == "/*") {
      auto close = text.find("*/", i + 2);
      end = close == std::string::npos ? text.size() : close + 2;
      erase(i, end);
    } else if (text[i] == '"' || (text[i] == '\'' && !digit_mark)) {
      end = literal_end(text, i);
      erase(i + 1, end - 1);
    }
    i = end;
  }
  return result;
}

const std::vector<source>& tree() {
  static const auto all = [] {
    std::vector<source> found;
    for (auto& [folder, allowed] : layers)
      for (auto& entry : fs::recursive_directory_iterator(fs::path{HACTOR_SOURCE_ROOT} / folder)) {
        auto extension = entry.path().extension();
        if (!entry.is_regular_file() || (extension != ".hpp" && extension != ".cpp"))
          continue;
        auto text = read_file(entry.path());
        found.push_back({fs::relative(entry.path(), HACTOR_SOURCE_ROOT).string(), folder,
                         split(text), split(blank(text))});
      }
    std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.path < b.path; });
    return found;
  }();
  return all;
}

std::string at(const source& s, size_t line) {
  return s.path + ":" + std::to_string(line + 1) + ": ";
}

/// Fails with all findings at once.
void report(const lines& findings) {
  for (auto& f : findings)
    FAIL_CHECK(f);
  CHECK(findings.empty());
}

/// Lines of code that match, except in files that `allowed` accepts.
template <class Allowed>
void forbid(const std::string& pattern, const std::string& why, Allowed allowed) {
  std::regex re{pattern};
  lines findings;
  for (auto& s : tree()) {
    if (allowed(s))
      continue;
    for (size_t i = 0; i < s.code.size(); ++i)
      if (std::regex_search(s.code[i], re))
        findings.push_back(at(s, i) + why + ": " + s.raw[i]);
  }
  report(findings);
}

bool is_core(const source& s) { return s.path.find("_core.") != std::string::npos; }

/// The header that a line includes, without its brackets; "" when it includes none.
std::string included(const std::string& raw) {
  static const std::regex re{"^\\s*#\\s*include\\s+[<\"]([^>\"]+)[>\"]"};
  std::smatch m;
  return std::regex_search(raw, m, re) ? m[1].str() : std::string{};
}

/// Calls f(source, line number, header) for every include of the tree.
template <class F>
void each_include(F f) {
  for (auto& s : tree())
    for (size_t i = 0; i < s.raw.size(); ++i)
      if (auto header = included(s.raw[i]); !header.empty())
        f(s, i, header);
}

/// The sources named between "add_library(NAME" and the closing bracket of a CMake file.
std::set<std::string> sources_of(const std::string& cmake_file, const std::string& library) {
  auto text = read_file(fs::path{HACTOR_SOURCE_ROOT} / cmake_file);
  auto from = text.find("add_library(" + library + " ");
  REQUIRE_MESSAGE(from != std::string::npos, cmake_file << " has no library " << library);
  std::istringstream words{text.substr(from, text.find(')', from) - from)};
  std::set<std::string> result;
  for (std::string word; words >> word;)
    if (word.ends_with(".cpp"))
      result.insert(word.substr(0, word.size() - 4));
  return result;
}

// -- the length of functions ---------------------------------------------------------------------

/// Walks the braces of a file: what is not a namespace, a type or an initialiser is a function.
class function_meter {
public:
  explicit function_meter(const source& s) : s_{s} {
    auto directive = false; // with the lines that it goes on
    for (auto& line : s.code) {
      auto first = line.find_first_not_of(" \t");
      auto begin =
          first == std::string::npos ? std::string_view{} : std::string_view{line}.substr(first);
      directive |= begin.starts_with('#') || begin.starts_with("CAF_");
      text_ += directive ? "\n" : line + "\n";
      directive = directive && line.ends_with('\\');
    }
  }

  lines findings() {
    while (i_ < text_.size())
      step();
    return std::move(found_);
  }

private:
  void step() {
    auto c = text_[i_];
    if (c == '{')
      open();
    else if (c == '}' || c == ';')
      head_.clear();
    else
      head_ += c;
    line_ += c == '\n';
    ++i_;
  }

  void open() {
    static const std::regex scope{
        "^\\s*(template\\s*<.*>\\s*)?(inline\\s+)?(namespace|struct|class|enum|union|extern|"
        "TEST_SUITE)\\b[^()]*(\\(\\s*\".*\"\\s*\\))?\\s*(:[^()]*)?$"};
    auto flat = head_;
    std::replace(flat.begin(), flat.end(), '\n', ' ');
    if (std::regex_search(flat, scope)) {
      head_.clear();
      return;
    }
    auto first = line_;
    skip_block();
    auto next = text_.find_first_not_of(" \n", i_ + 1);
    auto goes_on = next != std::string::npos
                   && std::string_view{",{)"}.find(text_[next]) != std::string_view::npos;
    if (goes_on)
      return; // a member's initialiser, or a default argument: the head is not over
    auto is_function = flat.find('(') != std::string::npos
                       && flat.find_last_not_of(' ') != std::string::npos
                       && flat[flat.find_last_not_of(' ')] != '=';
    auto length = line_ - first + 1;
    if (is_function && length > function_lines_max)
      found_.push_back(at(s_, first) + std::to_string(length) + " lines in one function");
    head_.clear();
  }

  /// Goes to the brace that closes the one at the current place.
  void skip_block() {
    for (int depth = 0; i_ < text_.size(); ++i_) {
      auto c = text_[i_];
      line_ += c == '\n';
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      if (depth == 0)
        return;
    }
  }

  const source& s_;
  std::string text_, head_;
  size_t i_ = 0, line_ = 0;
  lines found_;
};

} // namespace

TEST_SUITE("tidy") {

  TEST_CASE("the tree has sources in every layer") {
    std::set<std::string> seen;
    for (auto& s : tree())
      seen.insert(s.folder);
    CHECK(seen.size() == layers.size());
  }

  TEST_CASE("includes go down the layers only") {
    lines findings;
    each_include([&](const source& s, size_t line, const std::string& header) {
      auto folder = header.substr(0, header.find('/'));
      if (layers.count(folder) != 0 && layers.at(s.folder).count(folder) == 0)
        findings.push_back(at(s, line) + s.folder + " must not include " + header);
    });
    report(findings);
  }

  TEST_CASE(
      "the base of runtime does not see its host part, and neither do graph, store and cores") {
    auto base = sources_of("runtime/CMakeLists.txt", "hactor_base");
    auto host = sources_of("runtime/CMakeLists.txt", "hactor_host");
    host.merge(sources_of("runtime/CMakeLists.txt", "hactor_sockets"));
    host.erase("hardware"); // its header holds a value and the name of one function
    lines findings;
    each_include([&](const source& s, size_t line, const std::string& header) {
      fs::path of{s.path};
      auto pure = s.folder == "graph" || s.folder == "store" || is_core(s)
                  || (s.folder == "runtime" && base.count(of.stem().string()) != 0);
      fs::path to{header};
      if (s.folder != "test" && pure && to.parent_path() == "runtime"
          && host.count(to.stem().string()) != 0)
        findings.push_back(at(s, line) + "pure code must not include " + header);
    });
    report(findings);
  }

  TEST_CASE("graph, store and cores know no actors, and graph and cores no clock") {
    lines findings;
    each_include([&](const source& s, size_t line, const std::string& header) {
      auto core = is_core(s) && s.folder == "actors";
      if (!core && s.folder != "graph" && s.folder != "store")
        return;
      if (header.starts_with("caf/") && value_headers.count(header) == 0)
        findings.push_back(at(s, line) + "a CAF header that is not for values: " + header);
      if (header == "actors/interfaces.hpp"
          || (header == "runtime/clock.hpp" && s.folder != "store"))
        findings.push_back(at(s, line) + "pure code must not include " + header);
    });
    report(findings);
  }

  TEST_CASE("MPI is called in its modules only") {
    forbid("\\bP?MPI_[A-Z]", "MPI outside of runtime/mpi_*", [](const source& s) {
      return s.path.starts_with("runtime/mpi_") || s.folder == "test";
    });
  }

  TEST_CASE("Python is called in its module only") {
    forbid("\\bPy_?[A-Z]\\w*\\s*\\(|<Python\\.h>", "Python outside of its module",
           [](const source& s) { return s.path == "actors/python_policy_module.cpp"; });
  }

  TEST_CASE("Lua is called by start files only") {
    lines findings; // nobody else includes what declares it
    each_include([&](const source& s, size_t line, const std::string& header) {
      auto may = s.path.starts_with("plugins/start_files") || s.path.starts_with("plugins/lua_");
      if (!may && (header == "lua.hpp" || header == "lua.h" || header == "plugins/lua_values.hpp"))
        findings.push_back(at(s, line) + "Lua outside of plugins/start_files and lua_values");
    });
    report(findings);
  }

  TEST_CASE("processes are made by the spawner only") {
    // `hactor start` becomes the launcher, hactor-start or its script, `hactor proxy` a command,
    // `hactor help` its pager: a program of one thread that replaces itself, with nothing of the
    // actor system in it. A client becomes ssh's, by a child of a child.
    const std::string ssh = "workflow/ssh_way.cpp";
    const std::set<std::string> may_exec{"tools/cmd_start.cpp", "tools/become.cpp",
                                         "tools/help.cpp", ssh};
    forbid("(^|[^\\w.>])(v?fork|posix_spawnp?|popen)\\s*\\(|::system\\s*\\(",
           "a process outside of actors/spawner*", [&](const source& s) {
             return s.path.starts_with("actors/spawner") || s.folder == "test" || s.path == ssh;
           });
    forbid("(^|[^\\w.>])(f?exec(v|ve|vp|vpe|l|le|lp|veat))\\s*\\(",
           "a program started outside of actors/spawner*", [&](const source& s) {
             return s.path.starts_with("actors/spawner") || s.folder == "test"
                    || may_exec.count(s.path) != 0;
           });
  }

  TEST_CASE("clocks are read in runtime/clock.cpp only") {
    forbid("_clock::now|\\bclock_gettime\\b|\\bgettimeofday\\b|\\btime\\((nullptr|NULL|0)?\\)",
           "a clock outside of runtime/clock.cpp",
           [](const source& s) { return s.path == "runtime/clock.cpp" || s.folder == "test"; });
  }

  TEST_CASE("threads are made in runtime only") {
    // hactor-pmix has no actors, and waits for libpmix in one thread while another passes on.
    forbid("\\bstd::j?thread\\s*[({\\w]|\\bpthread_create\\b", "a thread outside of runtime",
           [](const source& s) {
             return s.folder == "runtime" || s.folder == "test"
                    || s.path == "mpi-boot/pmix_main.cpp";
           });
  }

  TEST_CASE("tests that doc/coverage.md names are there") {
    std::set<std::string> tests;
    for (auto* folder : {"cli", "unit", "sim", "mpi", "actor"})
      for (auto& entry : fs::directory_iterator(fs::path{HACTOR_SOURCE_ROOT} / "test" / folder))
        tests.insert(entry.path().stem().string());
    lines findings;
    size_t named = 0;
    for (auto& line : split(read_file(fs::path{HACTOR_SOURCE_ROOT} / "doc/coverage.md"))) {
      auto end = line.find_last_of('|');
      if (!line.starts_with('|') || end == 0)
        continue;
      auto cell = line.substr(line.find_last_of('|', end - 1));
      std::regex word{"`([^`]*)`"};
      for (std::sregex_iterator i{cell.begin(), cell.end(), word}, none; i != none; ++i, ++named)
        if (tests.count((*i)[1]) == 0)
          findings.push_back("doc/coverage.md: no test " + (*i)[1].str());
    }
    CHECK(named > 100);
    report(findings);
  }

  TEST_CASE("atoms fit into CAF's ten characters") {
    std::regex re{"CAF_ADD_ATOM\\(.*\"([^\"]*)\""};
    lines findings;
    for (auto& s : tree())
      for (size_t i = 0; i < s.raw.size(); ++i)
        if (std::smatch m; s.folder != "test" && std::regex_search(s.raw[i], m, re)
                           && static_cast<size_t>(m[1].length()) > atom_bytes_max)
          findings.push_back(at(s, i) + "more than ten characters: " + m[1].str());
    report(findings);
  }

  TEST_CASE("lines, functions and files keep their sizes") {
    lines findings;
    for (auto& s : tree()) {
      if (s.raw.size() > source_lines_max)
        findings.push_back(at(s, s.raw.size() - 1) + "the file is too long");
      for (size_t i = 0; i < s.raw.size(); ++i) {
        auto columns = std::count_if(s.raw[i].begin(), s.raw[i].end(),
                                     [](char c) { return (c & 0xc0) != 0x80; });
        if (static_cast<size_t>(columns) > columns_max)
          findings.push_back(at(s, i) + std::to_string(columns) + " columns");
      }
      for (auto& f : function_meter{s}.findings())
        findings.push_back(f);
    }
    report(findings);
  }

  TEST_CASE("every source begins with a comment that names the licence") {
    lines findings;
    for (auto& s : tree()) {
      size_t i = 0;
      auto licence = false;
      auto words = false;
      for (; i < s.raw.size() && s.raw[i].starts_with("//"); ++i) {
        auto spdx = s.raw[i] == "// SPDX-License-Identifier: LGPL-3.0-or-later";
        licence |= spdx;
        words |= !spdx && s.raw[i].size() > 4;
      }
      if (!words)
        findings.push_back(at(s, 0) + "no comment that says what the file is for");
      if (!licence)
        findings.push_back(at(s, 0) + "no SPDX line in the head comment");
      if (s.path.ends_with(".hpp") && (i >= s.raw.size() || s.raw[i] != "#pragma once"))
        findings.push_back(at(s, i) + "no #pragma once behind the head comment");
    }
    report(findings);
  }

  TEST_CASE("no marker of unfinished work is left") {
    std::regex re{"\\b(TO"
                  "DO|FIX"
                  "ME|XX"
                  "X|HA"
                  "CK)\\b"};
    lines findings;
    for (auto& s : tree())
      for (size_t i = 0; i < s.raw.size(); ++i)
        if (std::regex_search(s.raw[i], re))
          findings.push_back(at(s, i) + s.raw[i]);
    report(findings);
  }

  TEST_CASE("no namespace is opened to all") {
    forbid("^using namespace\\b", "using namespace at file level",
           [](const source& s) { return s.folder == "test"; });
  }

  TEST_CASE("every source is named in a CMake file of its folder or one above") {
    std::string all;
    for (auto& entry : fs::recursive_directory_iterator(HACTOR_SOURCE_ROOT)) {
      auto path = fs::relative(entry.path(), HACTOR_SOURCE_ROOT).string();
      if (path.starts_with("build/") || path.starts_with(".git/"))
        continue;
      if (entry.path().filename() == "CMakeLists.txt" || entry.path().extension() == ".cmake")
        all += " " + read_file(entry.path()) + " ";
    }
    lines findings;
    for (auto& s : tree()) {
      fs::path p{s.path};
      if (p.extension() != ".cpp")
        continue;
      std::regex name{"[\\s(/]"
                      + std::regex_replace(p.filename().string(), std::regex{"\\."}, "\\.")
                      + "[\\s)]"};
      if (!std::regex_search(all, name))
        findings.push_back(at(s, 0) + "in no CMake file");
    }
    report(findings);
  }

  TEST_CASE("every folder has a README that is short enough to be read") {
    lines findings;
    auto need = [&](const fs::path& folder, size_t lines_max) {
      auto name = fs::relative(folder / "README.md", HACTOR_SOURCE_ROOT).string();
      if (!fs::exists(folder / "README.md"))
        findings.push_back(name + ":1: missing");
      else if (auto n = split(read_file(folder / "README.md")).size(); n > lines_max)
        findings.push_back(name + ":1: " + std::to_string(n) + " lines");
    };
    for (auto& entry : fs::directory_iterator(HACTOR_SOURCE_ROOT)) {
      auto name = entry.path().filename().string();
      if (entry.is_directory() && name[0] != '.' && name != "build")
        need(entry.path(), readme_lines_max);
    }
    for (auto& entry : fs::directory_iterator(fs::path{HACTOR_SOURCE_ROOT} / "examples"))
      if (entry.is_directory())
        need(entry.path(), example_readme_lines_max);
    report(findings);
  }

} // TEST_SUITE

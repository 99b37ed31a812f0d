// trestle new-transport: the template of a transport, written out under a name of its own.
#include "output.hpp"
#include "verbs.hpp"

#include <trestle/plugins.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace trestle::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t name_bytes_max = 32;
constexpr std::string_view template_name = "mine";  ///< what stands in the files for the name

struct Wanted {
  std::string name;
  std::string folder;
};

/// Why something cannot be done; empty if it can.
using Refusal = std::string;

Refusal refuse_name(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > name_bytes_max || name[0] < 'a' || name[0] > 'z' ||
      !std::all_of(name.begin(), name.end(), fits)) {
    return "'" + name +
           "' is no name for a transport: it becomes a URI scheme, a file and a class, " +
           "so 1 to " + std::to_string(name_bytes_max) +
           " lower-case letters and digits are expected, a letter first";
  }
  const std::string file_name = "trestle_" + name + ".so";
  const auto files = list_plugin_files();
  if (files.has_error()) return "";  // to look for plugins is not what this was asked to do
  for (const PluginFile& file : *files) {
    if (file.path.filename() != file_name) continue;
    return "there is a transport '" + name + "' already, " + file.path.string() +
           ": choose another name";
  }
  return "";
}

Refusal refuse_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) return "";
  if (!fs::is_directory(status)) return folder.string() + " exists and is no directory";
  const bool empty = fs::is_empty(folder, error);
  if (error) return "cannot look into " + folder.string() + ": " + error.message();
  return empty ? "" : folder.string() + " is not empty: give a new directory";
}

/// Beside this program: ../share/trestle/template, in the build tree as when installed.
fs::path template_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "share" / "trestle" / "template";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string capitalised(std::string_view word) {
  std::string text(word);
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string renamed(const std::string& text, const std::string& name) {
  return replaced(replaced(text, template_name, name), capitalised(template_name),
                  capitalised(name));
}

Refusal write_renamed(const fs::path& source, const fs::path& target, const std::string& name) {
  std::ifstream in(source, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) return "cannot read " + source.string();
  std::ofstream out(target, std::ios::binary);
  out << renamed(text, name);
  out.close();
  return out ? "" : "cannot write " + target.string();
}

Refusal write_all(const Wanted& wanted) {
  const fs::path from = template_folder();
  std::error_code error;
  std::vector<fs::path> sources;
  for (fs::directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
    sources.push_back(at->path());
  }
  if (error || sources.empty()) {
    return "no template in " + from.string() + ": is Trestle installed as a whole?";
  }
  std::sort(sources.begin(), sources.end());
  fs::create_directories(wanted.folder, error);
  if (error) return "cannot make " + wanted.folder + ": " + error.message();
  for (const fs::path& source : sources) {
    const fs::path target = wanted.folder / fs::path(renamed(source.filename(), wanted.name));
    if (Refusal refusal = write_renamed(source, target, wanted.name); !refusal.empty()) {
      return refusal;
    }
    print_line("wrote " + target.string());
  }
  return "";
}

ExitCode make_transport(const Wanted& wanted) {
  Refusal refusal = refuse_name(wanted.name);
  if (refusal.empty()) refusal = refuse_folder(wanted.folder);
  if (refusal.empty()) refusal = write_all(wanted);
  if (!refusal.empty()) {
    std::cerr << "trestle new-transport: " << refusal << '\n';
    return ExitCode::usage;
  }
  print_line("build and check it:");
  print_line("  cd " + wanted.folder);
  print_line("  cmake -B build -D CMAKE_PREFIX_PATH=" +
             template_folder().parent_path().parent_path().parent_path().string());
  print_line("  cmake --build build && ctest --test-dir build");
  return ExitCode::success;
}

constexpr const char* new_transport_footer =
    "The result is a transport that works, for packets between processes of one machine, with its\n"
    "CMakeLists.txt and a README.md. Put your own I/O into it.\n"
    "Exit codes: 0 done, 2 a bad name, a directory that is not empty, or no template to copy.\n"
    "Example:\n"
    "  trestle new-transport mine mine-transport\n";

}  // namespace

void add_new_transport(CLI::App& app, ExitCode& outcome) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* verb = app.add_subcommand(
      "new-transport", "Write the source of a transport plugin, ready to build and change");
  verb->add_option("NAME", wanted->name, "URI scheme of the new transport")->required();
  verb->add_option("DIR", wanted->folder, "Directory to make, or an empty one")->required();
  verb->footer(new_transport_footer);
  verb->callback([wanted, &outcome] { outcome = make_transport(*wanted); });
}

}  // namespace trestle::tools

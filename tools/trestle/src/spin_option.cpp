// Words for the policies of spinning.
#include "spin_option.hpp"

namespace trestle::tools {

void add_spin(CLI::App& app, Spin& spin) {
  const auto read = [&spin](const std::string& word) {
    spin = word == "on" ? Spin::on : word == "off" ? Spin::off : Spin::automatic;
  };
  app.add_option_function<std::string>("--spin", read,
                                       "Poll a little before sleeping: where it pays, always, "
                                       "never")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->default_str("auto");
}

std::string to_string(Spin spin) {
  if (spin == Spin::on) return "on";
  return spin == Spin::off ? "off" : "auto";
}

}  // namespace trestle::tools

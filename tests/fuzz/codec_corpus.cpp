// Writes the inputs that codec_fuzz starts from: one file per value and codec, into argv[1].
#include <fstream>
#include <iostream>

#include "sample_types.hpp"

namespace {

using namespace trestle;

template <class T>
void write_value(const std::string& folder, const std::string& name, const T& value) {
  for (const Codec codec : {Codec::msgpack, Codec::json}) {
    std::ofstream file(folder + '/' + name + (codec == Codec::json ? ".json" : ".msgpack"),
                       std::ios::binary);
    file << (codec == Codec::json ? '\1' : '\0') << encode(codec, value).value().text();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: codec_corpus FOLDER\n";
    return 2;
  }
  const std::string folder = argv[1];
  write_value(folder, "everything", codec_test::everything());
  write_value(folder, "shape", codec_test::everything().shapes.at("a"));
  write_value(folder, "tree", codec_test::Tree{{{}, {{{}}}}});
  write_value(folder, "floats", std::map<std::string, std::vector<float>>{{"f", {0.5f, -1e10f}}});
}

// Reading and checking CURVE keys.
#include "curve_keys.hpp"

#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/socket_error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

namespace trestle::zeromq {
namespace {

constexpr std::size_t key_characters = 40;
constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;

/// Whether a file holds what others must not see.
enum class Secrecy { open, secret };

sdk::Error bad(const std::string& what) {
  return sdk::Error(TT_E_ADDR, what);
}

sdk::Result<> check_secrecy(const std::string& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode)) {
    return sdk::Error(TT_E_DENIED, path + ": a secret key must be in a regular file");
  }
  if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return sdk::Error(TT_E_DENIED, path +
                                       ": others than its owner may use this secret key; "
                                       "chmod 600 it");
  }
  if (file.st_uid != ::geteuid() && file.st_uid != 0) {
    return sdk::Error(TT_E_DENIED, path + ": this secret key belongs to another user");
  }
  return {};
}

sdk::Result<std::string> read_file(const std::string& path, Secrecy secrecy) {
  // O_NONBLOCK: a FIFO must not hold up the caller.
  const transport_kit::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    const int error = errno;
    return sdk::Error(TT_E_DENIED,
                      "cannot read the key file " + path + ": " + transport_kit::reason_of(error),
                      error);
  }
  if (secrecy == Secrecy::secret) {
    if (auto checked = check_secrecy(path, status); checked.has_error()) return checked.error();
  }
  std::string text;
  std::array<char, 4096> piece;
  ssize_t got = 0;
  while ((got = ::read(file.get(), piece.data(), piece.size())) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > file_bytes_max) {
      return bad(path + ": larger than " + std::to_string(file_bytes_max) + " bytes, the limit");
    }
  }
  if (got < 0) {
    const int error = errno;
    return sdk::Error(TT_E_DENIED,
                      "cannot read the key file " + path + ": " + transport_kit::reason_of(error),
                      error);
  }
  return text;
}

/// Words of a file; a '#' begins a comment.
std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  std::vector<std::string> words;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // Z85 has '#' among its digits: a comment is a line of its own.
    const std::size_t start = line.find_first_not_of(space);
    if (start == std::string_view::npos) continue;
    line = line.substr(start, line.find_last_not_of(space) + 1 - start);
    if (line.front() == '#' && line.size() != key_characters) continue;
    words.emplace_back(line);
  }
  return words;
}

sdk::Result<std::string> checked_key(std::string key, const std::string& where) {
  std::array<std::uint8_t, key_bytes> bytes;
  if (key.size() != key_characters || zmq_z85_decode(bytes.data(), key.c_str()) == nullptr) {
    return bad(where + ": expected a key of 40 characters in Z85");
  }
  return key;
}

sdk::Result<std::string> key_of_file(const std::string& path, Secrecy secrecy) {
  auto text = read_file(path, secrecy);
  if (text.has_error()) return text.error();
  auto words = words_of(*text);
  if (words.size() != 1) {
    return bad(path + ": expected one key of 40 characters in Z85, got " +
               std::to_string(words.size()) + " lines");
  }
  return checked_key(std::move(words.front()), path);
}

/// A public key that is given by value, or in a file, or not at all.
sdk::Result<std::string> public_key(const char* option, const std::string& value,
                                    const std::string& file) {
  if (!value.empty() && !file.empty()) {
    return bad(std::string(option) + " and " + option + "_file: give one of them");
  }
  if (!value.empty()) return checked_key(value, std::string("option ") + option);
  if (!file.empty()) return key_of_file(file, Secrecy::open);
  return std::string();
}

struct OwnKeys {
  std::string secret;
  std::string public_key;
};

sdk::Result<OwnKeys> own_keys(const CurveOptions& options) {
  if (options.secretkey_file.empty()) return bad("CURVE needs the option curve_secretkey_file");
  auto secret = key_of_file(options.secretkey_file, Secrecy::secret);
  if (secret.has_error()) return secret.error();
  std::array<char, key_characters + 1> derived{};
  if (zmq_curve_public(derived.data(), secret->c_str()) != 0) {
    return sdk::Error(TT_E_UNSUPPORTED, "this libzmq was built without CURVE");
  }
  OwnKeys own{std::move(*secret), derived.data()};
  const auto said = public_key("curve_publickey", options.publickey, options.publickey_file);
  if (said.has_error()) return said.error();
  if (!said->empty() && *said != own.public_key) {
    return bad("curve_publickey is not the public key of " + options.secretkey_file);
  }
  return own;
}

sdk::Result<> add_allowed(const std::string& path, PublicKeys& allowed) {
  const auto text = read_file(path, Secrecy::open);
  if (text.has_error()) return text.error();
  for (std::string& word : words_of(*text)) {
    auto key = checked_key(std::move(word), path);
    if (key.has_error()) return key.error();
    allowed.insert(std::move(*key));
  }
  return {};
}

sdk::Result<PublicKeys> allowed_keys(const std::string& path) {
  PublicKeys allowed;
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) {
    if (auto added = add_allowed(path, allowed); added.has_error()) return added.error();
  } else {
    std::filesystem::directory_iterator entries(path, failed);
    for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
      if (entries->path().filename().native().starts_with('.')) continue;
      auto added = add_allowed(entries->path(), allowed);
      if (added.has_error()) return added.error();
    }
  }
  if (failed) return sdk::Error(TT_E_DENIED, path + ": " + failed.message(), failed.value());
  return allowed;
}

}  // namespace

sdk::Result<std::optional<ServerKeys>> server_keys(Scheme scheme, const CurveOptions& options) {
  if (!options.is_any_given() && scheme != Scheme::curve) return std::optional<ServerKeys>();
  if (options.server == 0 && scheme != Scheme::curve) {
    return bad("listening with CURVE keys needs the option curve_server=1");
  }
  if (!options.serverkey.empty() || !options.serverkey_file.empty()) {
    return bad("curve_serverkey is for connecting; a listener has curve_secretkey_file");
  }
  if (options.allow.empty()) {
    return bad(
        "listening with CURVE needs the option curve_allow: a file with the public keys of "
        "clients, or a directory of such files");
  }
  const auto own = own_keys(options);
  if (own.has_error()) return own.error();
  auto allowed = allowed_keys(options.allow);
  if (allowed.has_error()) return allowed.error();
  return std::optional(ServerKeys{own->secret, std::move(*allowed)});
}

sdk::Result<std::optional<ClientKeys>> client_keys(Scheme scheme, const CurveOptions& options) {
  if (!options.is_any_given() && scheme != Scheme::curve) return std::optional<ClientKeys>();
  if (options.server != 0 || !options.allow.empty()) {
    return bad("curve_server and curve_allow are for listening");
  }
  const auto server = public_key("curve_serverkey", options.serverkey, options.serverkey_file);
  if (server.has_error()) return server.error();
  if (server->empty()) return bad("connecting with CURVE needs the option curve_serverkey");
  const auto own = own_keys(options);
  if (own.has_error()) return own.error();
  return std::optional(ClientKeys{own->secret, own->public_key, *server});
}

void apply(const ServerKeys& keys, zmq::socket_t& socket) {
  socket.set(zmq::sockopt::curve_server, 1);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret);
}

void apply(const ClientKeys& keys, zmq::socket_t& socket) {
  socket.set(zmq::sockopt::curve_serverkey, keys.server);
  socket.set(zmq::sockopt::curve_publickey, keys.public_key);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret);
}

}  // namespace trestle::zeromq

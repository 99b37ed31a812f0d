// trestle call: one message to one handler.
#include "client.hpp"
#include "duration_option.hpp"
#include "output.hpp"
#include "verbs.hpp"

#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace trestle::tools {
namespace {

enum class Wanted { reply, acknowledgement, nothing };

struct CallCommand {
  std::string uri;
  std::string handler;
  std::optional<std::string> argument;  ///< JSON, or "-"
  std::string codec = "msgpack";
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  Wanted wanted = Wanted::reply;
  OutputFormat format = OutputFormat::text;
};

std::string read_standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

/// The message as it travels. Without an argument it is empty, which handlers read as null.
Result<Encoded> read_argument(const CallCommand& command) {
  const Codec codec = parse_codec(command.codec).value_or(Codec::msgpack);
  if (!command.argument) return Encoded{codec, {}};
  const bool from_input = *command.argument == "-";
  const std::string text = from_input ? read_standard_input() : *command.argument;
  auto bytes = transcode(Codec::json, codec, as_bytes(text));
  if (bytes.has_error()) {
    const std::string where = from_input ? "standard input: " : "the argument: ";
    return Error(Errc::invalid_argument, where + bytes.error().text);
  }
  return Encoded{codec, std::move(*bytes)};
}

/// A reply as JSON; bytes without a structure become a base64 string.
Result<std::string> to_json_text(const Encoded& reply) {
  auto text = reply.codec == Codec::bytes
                  ? encode(Codec::json, reply.payload.view())
                  : transcode(reply.codec, Codec::json, reply.payload.view());
  if (text.has_error()) {
    return Error(Errc::bad_reply, "the reply cannot be shown as JSON: " + text.error().text,
                 Ran::yes);
  }
  return std::string(text->text());
}

Result<void> call_for_reply(const Peer& peer, const CallCommand& command, const Encoded& argument) {
  const auto reply = peer.call<Encoded>(command.handler, argument);
  if (reply.has_error()) return reply.error();
  const auto text = to_json_text(*reply);
  if (text.has_error()) return text.error();
  print_line(*text);
  return {};
}

Result<void> run_call(const CallCommand& command) {
  const auto argument = read_argument(command);
  if (argument.has_error()) return argument.error();
  Client client(command.timeout);
  const auto connected = client.connect(command.uri);
  if (connected.has_error()) return connected.error();
  const Peer peer = connected->with_timeout(client.time_left());
  switch (command.wanted) {
    case Wanted::reply:
      return call_for_reply(peer, command, *argument);
    case Wanted::acknowledgement:
      return peer.confirm(command.handler, *argument);
    case Wanted::nothing:
      if (auto admitted = peer.send(command.handler, *argument); admitted.has_error()) {
        return admitted.error();
      }
      return client.close();  // the message is only queued here: closing sends it
  }
  return {};
}

constexpr const char* call_footer =
    "The reply is printed as JSON; bytes in it are base64 strings. Errors go to standard error.\n"
    "Examples:\n"
    "  trestle call tcp://127.0.0.1:7000 echo '{\"hello\": [1, 2, 3]}'\n"
    "  trestle call tcp://127.0.0.1:7000 sleep 500 --timeout 2s\n"
    "  jq -Rs . README.md | trestle call unix:///run/words.sock wordcount -\n"
    "  trestle call tcp://127.0.0.1:7000 sink '\"gone\"' --no-reply\n";

void add_options(CLI::App& verb, const std::shared_ptr<CallCommand>& command) {
  verb.add_option("URI", command->uri, "Where the peer listens")->type_name("")->required();
  verb.add_option("HANDLER", command->handler, "Name of the handler")->type_name("")->required();
  verb.add_option("JSON", command->argument,
                  "Value; '-' reads it from standard input; without it the message is empty")
      ->type_name("");
  verb.add_option("--codec", command->codec, "How the message is encoded on the wire")
      ->check(CLI::IsMember({"msgpack", "json"}))
      ->capture_default_str();
  add_duration(verb, "--timeout", command->timeout, "Deadline for all of it", "30s");
  CLI::Option* confirm = verb.add_flag_callback(
      "--confirm", [command] { command->wanted = Wanted::acknowledgement; },
      "Wait until the handler ended; print nothing (for ack handlers)");
  verb.add_flag_callback(
          "--no-reply", [command] { command->wanted = Wanted::nothing; },
          "Send and forget (for am handlers); whether the handler exists stays unknown")
      ->excludes(confirm);
  verb.add_flag_callback(
      "--json", [command] { command->format = OutputFormat::json; },
      "Errors as one JSON object: code, text, and whether the handler ran");
}

}  // namespace

void add_call(CLI::App& app, ExitCode& outcome) {
  auto command = std::make_shared<CallCommand>();
  CLI::App* verb = app.add_subcommand("call", "Call a handler of a peer");
  add_options(*verb, command);
  verb->footer(std::string(exit_codes_help) + call_footer);
  verb->callback([command, &outcome] {
    const auto done = run_call(*command);
    outcome = done.has_value() ? ExitCode::success : report(done.error(), command->format);
  });
}

}  // namespace trestle::tools

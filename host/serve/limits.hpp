// What a client may ask of the server: sizes, times and numbers, each with its reason. Tests make some of them smaller.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace assay::serve {

struct server_limits {
  // A request line and its header fields, in bytes. Clients send less than 2 KB; a header without an end must not fill memory.
  uint32_t head_bytes = 16 << 10;
  // A body, in bytes: more text than any model here has positions for, and few enough that all bodies fit into memory.
  uint64_t body_bytes = 8 << 20;
  // A refused request's body is read to its end up to this size, so that the connection can be used again.
  uint64_t refused_body_bytes = 64 << 10;
  // From a request's first byte to its last. One that comes byte by byte must not hold a connection.
  std::chrono::milliseconds request_time{30'000};
  // A connection without a request is closed after this time. Load tests keep their connections for a few minutes.
  std::chrono::milliseconds idle_time{300'000};
  // A client that takes no byte of an answer for this time has gone.
  std::chrono::milliseconds write_time{30'000};
  // After a refusal the rest of what the client sends is read for this time at most: a connection that is closed with unread bytes
  // is reset, and then the client may lose the answer.
  std::chrono::milliseconds linger_time{2'000};
  // Bytes of a stream that the client has not taken yet. A reader that never reads is cut off here: about ten thousand tokens.
  size_t stream_bytes = 1 << 20;
  // Requests that follow on a connection before its answer is complete are kept up to this size.
  size_t early_bytes = 64 << 10;
  // Connections at a time. An idle one takes about 10 KB; more than these are told to come back.
  int64_t connections = 2048;
};

// Levels of nesting in a JSON body. Requests have 4; what is deeper is no request.
constexpr int k_json_depth = 32;
// Keys of one object in a JSON body. Requests have 40; the time to read an object grows with the square of its keys.
constexpr size_t k_json_keys = 128;

constexpr size_t k_stops = 16,
                 k_stop_bytes =
                     256;  // stop strings and their length: each token is searched for all of them
constexpr int64_t k_choices = 16;  // answers to one prompt
constexpr size_t k_prompts =
    1024;  // prompts in one request; lm-evaluation-harness sends up to its batch size
constexpr int64_t k_top_logprobs = 20;  // likeliest tokens beside each token, as in OpenAI's API
constexpr size_t k_messages = 10'000;   // messages of a conversation

// Answers are kept whole until they are sent, so one answer to a request may have these prompts times choices.
constexpr int64_t k_answers = 4096;

}  // namespace assay::serve

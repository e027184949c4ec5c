// The routes of the server: which request gets which answer.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/service.hpp"
#include "serve/api_error.hpp"
#include "serve/completion.hpp"
#include "serve/http.hpp"
#include "serve/metrics.hpp"
#include "serve/served_model.hpp"

namespace assay::serve {

struct app_options {
  std::string api_key;      // "" = everybody may ask
  std::string cors_origin;  // the one origin whose pages may ask; "" = none
  int64_t default_max_tokens = 1024;
  uint64_t body_bytes = 0;  // see limits.hpp
  int64_t created = 0;      // when the models were loaded, seconds since 1970
};

class app final : public application {
 public:
  // engine and counts are borrowed. monitoring: only the GET routes /health and /metrics.
  app(std::vector<served_model> models, engine::service &engine, metrics &counts,
      app_options options, bool monitoring = false);

  std::optional<http_response> check_head(const http_request &head, uint64_t body_bytes) override;
  std::optional<http_response> enter(http_request &whole) override;
  void handle(std::shared_ptr<exchange> with) override;
  http_response unreadable(int status, const std::string &reason) override;

  // From now on new work is refused with 503; what runs goes on.
  void drain() { draining_ = true; }
  // Ends every answer that still runs with an error.
  void stop_answers();

 private:
  using fields = completion::fields;
  http_response refused(const http_request &to, const api_error &problem,
                        const std::string &reason);
  fields fields_of(const http_request &to) const;
  void require_key(const http_request &head) const;
  http_response answer_get(const http_request &to);
  http_response answer_post(const http_request &to);
  void complete(const std::shared_ptr<exchange> &with, bool chat);
  json list_models() const;
  json tokenizer_info() const;
  json tokenize(const std::string &body) const;
  json detokenize(const std::string &body) const;
  json apply_template(const std::string &body) const;
  void note(const std::shared_ptr<completion> &one);

  const std::vector<served_model> models_;
  engine::service &engine_;
  metrics &metrics_;
  const app_options options_;
  const bool monitoring_;
  std::atomic<bool> draining_{false}, stopping_{false};
  std::mutex mutex_;  // guards `running_`
  std::vector<std::weak_ptr<completion>> running_;
};

}  // namespace assay::serve

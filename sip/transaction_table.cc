#include "sip/transaction_table.h"

#include <utility>

#include "proto/assert.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

/// None of the parts can hold the separator: parse_message lets no line end into a value.
constexpr char kSeparator = '\n';

std::string branch_key(char kind, const Via& via, std::string_view method) {
  std::string key;
  key.reserve(via.branch().size() + via.host.size() + method.size() + 10);
  key += kind;
  key += via.branch();
  key += kSeparator;
  for (const char c : via.host) {
    key += lowered(c);
  }
  key += kSeparator;
  key += std::to_string(sent_by_port(via));
  key += kSeparator;
  key += method;
  return key;
}

}  // namespace

std::string client_key(const Via& via, std::string_view method) {
  return branch_key('c', via, method);
}

std::string server_key(const Via& via, std::string_view method) {
  return branch_key('s', via, method);
}

std::string server_key(const Message& request, const Via& via, std::string_view method) {
  if (via.has_branch_cookie()) {
    return server_key(via, method);
  }
  const auto cseq = request.cseq();
  std::string key = "o";
  const std::string top = write(via);
  for (const std::string_view part :
       {std::string_view{top}, request.request_uri_text(), request.from_tag(), request.call_id()}) {
    key += part;
    key += kSeparator;
  }
  key += std::to_string(cseq ? cseq->number : 0);
  key += kSeparator;
  key += method;
  return key;
}

std::string merge_key(const Message& request) {
  std::string key = "m";
  key += request.from_tag();
  key += kSeparator;
  key += request.call_id();
  key += kSeparator;
  key += request.header(HeaderId::kCSeq).value_or("");
  return key;
}

Transaction* TransactionTable::insert(std::string key, Transaction::Machine machine, const TimerSettings& settings) {
  const auto [at, inserted] = by_key_.try_emplace(std::move(key), TransactionId::kNoIndex);
  if (!inserted) {
    return nullptr;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Place& place = places_[index];
  place.transaction =
      std::make_unique<Transaction>(TransactionId{index, place.generation}, std::move(machine), settings);
  place.transaction->key = &at->first;
  at->second = index;
  return place.transaction.get();
}

void TransactionTable::add_merge_key(Transaction& transaction, std::string merge_key) {
  const auto [at, inserted] = by_key_.try_emplace(std::move(merge_key), transaction.id.index);
  if (inserted) {
    transaction.merge = &at->first;
    ++merge_keys_;
  }
}

void TransactionTable::remove_merge_key(Transaction& transaction) {
  if (transaction.merge != nullptr) {
    by_key_.erase(by_key_.find(*transaction.merge));
    transaction.merge = nullptr;
    --merge_keys_;
  }
}

void TransactionTable::erase(Transaction& transaction) {
  remove_merge_key(transaction);
  by_key_.erase(by_key_.find(*transaction.key));
  const std::uint32_t index = transaction.id.index;
  ++places_[index].generation;
  places_[index].transaction.reset();
  free_.push_back(index);
}

const Transaction* TransactionTable::find(TransactionId id) const {
  if (id.index >= places_.size() || places_[id.index].generation != id.generation) {
    return nullptr;
  }
  return places_[id.index].transaction.get();
}

Transaction* TransactionTable::find(TransactionId id) {
  return const_cast<Transaction*>(std::as_const(*this).find(id));
}

Transaction* TransactionTable::find(std::string_view key) {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : places_[at->second].transaction.get();
}

Transaction& TransactionTable::at(std::uint32_t index) {
  WEIR_ASSERT(index < places_.size() && places_[index].transaction);
  return *places_[index].transaction;
}

}  // namespace weir::sip

#include "proto/stun/binding.h"

#include "proto/stun/writer.h"

namespace zvonok::stun {
namespace {

std::size_t seal(MessageWriter& writer, IntegrityKey* key) {
  if (key != nullptr) writer.message_integrity(*key);
  writer.fingerprint();
  return writer.finish();
}

}  // namespace

TransactionId make_transaction(Entropy& entropy) {
  TransactionId transaction{};
  entropy.fill(transaction);
  return transaction;
}

std::size_t write_binding_request(MutableBytes buffer, const BindingRequest& request, IntegrityKey* key) {
  MessageWriter writer{buffer, {.message_class = MessageClass::Request, .transaction = request.transaction}};
  if (!request.username.empty()) writer.username(request.username);
  if (request.ice_controlling) writer.ice_controlling(*request.ice_controlling);
  if (request.ice_controlled) writer.ice_controlled(*request.ice_controlled);
  if (request.nominate == Nominate::Yes) writer.use_candidate();
  if (request.priority) writer.priority(*request.priority);
  return seal(writer, key);
}

std::size_t write_binding_success(MutableBytes buffer, const BindingSuccess& success, IntegrityKey* key) {
  MessageWriter writer{buffer, {.message_class = MessageClass::Success, .transaction = success.transaction}};
  writer.xor_mapped_address(success.mapped);
  return seal(writer, key);
}

std::size_t write_binding_error(MutableBytes buffer, const BindingError& error, IntegrityKey* key) {
  MessageWriter writer{buffer, {.message_class = MessageClass::Error, .transaction = error.transaction}};
  writer.error(error.error);
  if (!error.unknown_attributes.empty()) writer.unknown_attributes(error.unknown_attributes);
  return seal(writer, key);
}

}  // namespace zvonok::stun

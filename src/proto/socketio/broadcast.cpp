#include "proto/socketio/broadcast.h"

#include <memory>
#include <utility>

#include "proto/socketio/socket.h"

namespace zvonok::socketio {

bool Broadcast::send(Stay& stay, Socket* socket) {
  if (!stay.memory) return socket != nullptr && socket->send_encoded(plain_, attachments_);
  // Another event, emitted by a handler in the middle of this broadcast, may have come to this client first.
  if (!sealed_ || sealed_->number <= stay.memory->log.newest()) seal();
  if (delivery_ == Delivery::Kept) {
    recovery_->remember(stay, sealed_);
  } else if (socket != nullptr) {
    stay.memory->log.note(sealed_->number);
  }
  if (socket == nullptr) return delivery_ == Delivery::Kept;
  return socket->send_encoded(sealed_->text, attachments_);
}

void Broadcast::seal() {
  auto event = std::make_shared<SealedEvent>();
  event->text = plain_;
  event->number = recovery_->seal(event->text);
  event->attachments.assign(attachments_.begin(), attachments_.end());
  sealed_ = std::move(event);
}

}  // namespace zvonok::socketio

// One event on its way to many: encoded once for those who may come back and once for those who may not.
#pragma once
#include <string>

#include "proto/socketio/handler.h"
#include "proto/socketio/recovery.h"
#include "proto/socketio/stay.h"

namespace zvonok::socketio {

class Socket;

class Broadcast {
 public:
  /// `plain` is an encoded event; null: nobody comes back.
  Broadcast(std::string plain, Attachments attachments, Delivery delivery, Recovery* recovery)
      : plain_{std::move(plain)}, attachments_{attachments}, delivery_{delivery}, recovery_{recovery} {}

  /// `socket` is null when the client is away. False when it gets nothing.
  bool send(Stay& stay, Socket* socket);

 private:
  void seal();

  const std::string plain_;
  const Attachments attachments_;
  const Delivery delivery_;
  Recovery* const recovery_;
  SharedEvent sealed_;  // owned by this and the logs of those who were to get it
};

}  // namespace zvonok::socketio

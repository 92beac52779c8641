// What phone calls tell the room that a telephone of theirs is in. Belongs to the control thread.
#pragma once
#include <memory>

#include "base/id.h"
#include "call/phone_words.h"
#include "port/phone_audio.h"

namespace zvonok::app {

class RoomLines {
 public:
  virtual ~RoomLines() = default;
  /// In place of BrowserLegs::attach_line.
  virtual void attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) = 0;
  /// Each change of a call into a room.
  virtual void on_change(const call::phone::Changed& change) = 0;
};

}  // namespace zvonok::app

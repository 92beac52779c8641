#include "adapter/voip_sip/kept_dialog.h"

#include <gtest/gtest.h>

namespace zvonok::voip_sip {
namespace {

KeptDialog some() {
  return {.trunk = "first",
          .call_id = "abc@there",
          .local = "<sip:+4930123456@example.org>;tag=1",
          .remote = "\"A name\" <sip:+491512345678@example.org>;tag=2",
          .target = "sip:there@192.0.2.1:5060;transport=udp",
          .route = "<sip:192.0.2.2;lr>, <sip:192.0.2.3;lr>",
          .cseq = 4'000'000'000};
}

TEST(KeptDialogs, AreReadAsTheyWereWritten) {
  KeptDialog dialog = some();
  EXPECT_EQ(read_kept_dialog(write_kept_dialog(dialog).value()), dialog);
  dialog.route.clear();
  EXPECT_EQ(read_kept_dialog(write_kept_dialog(dialog).value()), dialog);
}

TEST(KeptDialogs, AreNotReadWhenTheyAreNotWhole) {
  const std::string text = write_kept_dialog(some()).value();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(read_kept_dialog(text.substr(0, length))) << length;
  }
  EXPECT_FALSE(read_kept_dialog(text + "more\n"));
  std::string changed = text;
  changed.replace(changed.find("cseq 4"), 6, "cseq x");
  EXPECT_FALSE(read_kept_dialog(changed));
}

TEST(KeptDialogs, AreOfOneLineEachAndNotTooLong) {
  KeptDialog dialog = some();
  dialog.remote += "\nroute <sip:elsewhere>";
  EXPECT_FALSE(write_kept_dialog(dialog));
  dialog = some();
  dialog.route.assign(kKeptDialogBytesMax, 'x');
  EXPECT_FALSE(write_kept_dialog(dialog));
  dialog = some();
  dialog.call_id.clear();
  EXPECT_FALSE(read_kept_dialog(write_kept_dialog(dialog).value())) << "nothing to end by";
}

}  // namespace
}  // namespace zvonok::voip_sip

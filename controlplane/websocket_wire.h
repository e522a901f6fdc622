// What Boost.Beast takes for its socket: two strings in memory. A read waits until somebody feeds it, a write is done
// at once. Internal to websocket.cc.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir::controlplane {

/// Owned by the WebSocket; its stream refers to it.
class Wire {
 public:
  explicit Wire(std::string& output) : output_(output) {}

  /// What came from the peer: the read that waits for it goes on.
  void feed(std::string_view bytes) {
    input_.append(bytes);
    if (reader_ == nullptr) return;
    const std::unique_ptr<Reader> reader = std::move(reader_);
    reader->go_on(*this);
  }

  /// As many of the bytes that are there as go into the buffers.
  template <typename Buffers>
  std::size_t take(const Buffers& buffers) {
    const std::size_t bytes =
        boost::asio::buffer_copy(buffers, boost::asio::buffer(input_.data() + taken_, input_.size() - taken_));
    taken_ += bytes;
    if (taken_ == input_.size()) {  // an idle connection holds nothing
      input_ = {};
      taken_ = 0;
    }
    return bytes;
  }

  template <typename Buffers>
  std::size_t put(const Buffers& buffers) {
    const std::size_t before = output_.size();
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers); ++it) {
      const boost::asio::const_buffer one(*it);
      output_.append(static_cast<const char*>(one.data()), one.size());
    }
    return output_.size() - before;
  }

  [[nodiscard]] bool empty() const { return input_.empty(); }

  template <typename Buffers, typename Handler>
  void await(const boost::asio::io_context::executor_type& executor, const Buffers& buffers, Handler handler) {
    auto reader = std::make_unique<BoundReader<Buffers, Handler>>(executor, buffers, std::move(handler));
    if (!empty()) return reader->go_on(*this);
    reader_ = std::move(reader);
  }

 private:
  /// A read that waits.
  struct Reader {
    virtual ~Reader() = default;
    virtual void go_on(Wire& wire) = 0;
  };
  template <typename Buffers, typename Handler>
  struct BoundReader : Reader {
    BoundReader(boost::asio::io_context::executor_type where, const Buffers& into, Handler then)
        : executor(std::move(where)), buffers(into), handler(std::move(then)) {}
    void go_on(Wire& wire) override {
      const std::size_t bytes = wire.take(buffers);
      boost::asio::post(executor,
                        boost::beast::bind_front_handler(std::move(handler), boost::system::error_code(), bytes));
    }
    boost::asio::io_context::executor_type executor;
    Buffers buffers;
    Handler handler;
  };

  std::string input_;
  std::size_t taken_ = 0;
  std::string& output_;
  std::unique_ptr<Reader> reader_;
};

/// Beast's next layer: an AsyncStream and a SyncStream whose end is the Wire.
class WireStream {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  WireStream(boost::asio::io_context& work, Wire& wire) : executor_(work.get_executor()), wire_(&wire) {}

  executor_type get_executor() const noexcept { return executor_; }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    error = wire_->empty() ? boost::asio::error::would_block : boost::system::error_code();
    return wire_->take(buffers);
  }
  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return wire_->take(buffers);
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    error = {};
    return wire_->put(buffers);
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return wire_->put(buffers);
  }

  template <typename Buffers, typename Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto&& then, const Buffers& into) { wire_->await(executor_, into, std::forward<decltype(then)>(then)); },
        handler, buffers);
  }
  template <typename Buffers, typename Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto&& then, const Buffers& from) {
          const std::size_t bytes = wire_->put(from);
          boost::asio::post(executor_, boost::beast::bind_front_handler(std::forward<decltype(then)>(then),
                                                                        boost::system::error_code(), bytes));
        },
        handler, buffers);
  }

 private:
  executor_type executor_;
  Wire* wire_;
};

// The connection is ended by whoever owns its socket, when the close frame is sent.
inline void beast_close_socket(WireStream& /*stream*/) {}
inline void teardown(boost::beast::role_type /*role*/, WireStream& /*stream*/, boost::system::error_code& error) {
  error = {};
}
template <typename Handler>
void async_teardown(boost::beast::role_type /*role*/, WireStream& stream, Handler&& handler) {
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code()));
}

}  // namespace weir::controlplane

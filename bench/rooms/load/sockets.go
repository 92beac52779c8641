package main

// The sockets of all participants, read by one loop.
//
// Pion reads one packet a system call and a goroutine a socket: that costs more than many servers spend on sending it.
// So Pion gets sockets of ours (transport.Net). One loop waits for all of them, takes packets in batches, counts RTP by
// its header, and hands on to Pion only what isn't RTP, or all of it for participants that decode.

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/pion/transport/v2"
	"github.com/pion/transport/v2/stdnet"
)

const (
	batchSize      = 64
	packetBytesMax = 2048
	controlBytes   = 64
	socketBytes    = 4 << 20
	queuedMax      = 1024

	soTimestampNs   = 35 // of SOL_SOCKET, and the type of its control message
	soSndBufForce   = 32
	soRcvBufForce   = 33
	sysRecvmmsg     = 299
	epollEventsMax  = 256
	epollWaitMillis = 50
)

// mmsghdr of recvmmsg(2)
type mmsghdr struct {
	header syscall.Msghdr
	length uint32
	_      [4]byte
}

type batch struct {
	messages [batchSize]mmsghdr
	vectors  [batchSize]syscall.Iovec
	names    [batchSize]syscall.RawSockaddrInet4
	buffers  [batchSize][packetBytesMax]byte
	controls [batchSize][controlBytes]byte
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.messages {
		b.vectors[i].Base = &b.buffers[i][0]
		b.vectors[i].SetLen(packetBytesMax)
		h := &b.messages[i].header
		h.Iov = &b.vectors[i]
		h.Iovlen = 1
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
	}
	return b
}

// receive returns how many packets it took.
func (b *batch) receive(fd int, withTime bool) int {
	for i := range b.messages {
		h := &b.messages[i].header
		h.Namelen = syscall.SizeofSockaddrInet4
		h.Control, h.Controllen = nil, 0
		if withTime {
			h.Control = &b.controls[i][0]
			h.Controllen = controlBytes
		}
	}
	n, _, errno := syscall.RawSyscall6(sysRecvmmsg, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])), batchSize,
		syscall.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// kernelTime is when the kernel got the packet, in nanoseconds of the wall clock; 0 when it doesn't say.
func (b *batch) kernelTime(i int) int64 {
	h := &b.messages[i].header
	if h.Controllen < syscall.SizeofCmsghdr+16 {
		return 0
	}
	c := (*syscall.Cmsghdr)(unsafe.Pointer(&b.controls[i][0]))
	if c.Level != syscall.SOL_SOCKET || c.Type != soTimestampNs {
		return 0
	}
	t := (*syscall.Timespec)(unsafe.Pointer(&b.controls[i][syscall.SizeofCmsghdr]))
	return t.Nano()
}

func (b *batch) sender(i int) *net.UDPAddr {
	name := &b.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	ip := make(net.IP, 4)
	copy(ip, name.Addr[:])
	return &net.UDPAddr{IP: ip, Port: int(port[0])<<8 | int(port[1])}
}

// receiveLoop owns what is received: whoever wants to look at it does so by run.
type receiveLoop struct {
	epoll    int
	mutex    sync.Mutex
	sockets  map[int32]*socket
	commands chan func()
}

func newReceiveLoop() (*receiveLoop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &receiveLoop{epoll: epoll, sockets: map[int32]*socket{}, commands: make(chan func(), 16)}
	go l.loop()
	return l, nil
}

// run calls f between two batches and returns when that is done.
func (l *receiveLoop) run(f func()) {
	done := make(chan struct{})
	l.commands <- func() {
		f()
		close(done)
	}
	<-done
}

func (l *receiveLoop) loop() {
	runtime.LockOSThread()
	b := newBatch()
	events := make([]syscall.EpollEvent, epollEventsMax)
	for {
		n, _ := syscall.EpollWait(l.epoll, events, epollWaitMillis)
		for i := 0; i < n; i++ {
			l.mutex.Lock()
			s := l.sockets[events[i].Fd]
			l.mutex.Unlock()
			if s != nil {
				s.drain(b)
			}
		}
		for len(l.commands) > 0 {
			(<-l.commands)()
		}
	}
}

func (l *receiveLoop) add(s *socket) error {
	l.mutex.Lock()
	l.sockets[int32(s.fd)] = s
	l.mutex.Unlock()
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(s.fd)}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, s.fd, &event)
}

func (l *receiveLoop) remove(s *socket) {
	l.mutex.Lock()
	delete(l.sockets, int32(s.fd))
	l.mutex.Unlock()
}

// overflow is how many packets there was no place for on the way to Pion: the generator's own fault.
func (l *receiveLoop) overflow() uint64 {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var sum uint64
	for _, s := range l.sockets {
		sum += s.overflow.Load()
	}
	return sum
}

type datagram struct {
	bytes []byte
	from  *net.UDPAddr
}

var datagramPool = sync.Pool{New: func() interface{} { return make([]byte, packetBytesMax) }}

// socket is a transport.UDPConn.
type socket struct {
	loop     *receiveLoop
	fd       int
	local    *net.UDPAddr
	received *received
	queue    chan datagram
	aborted  chan struct{}
	abort    sync.Once
	closing  sync.Once
	overflow atomic.Uint64
}

func openSocket(loop *receiveLoop, local *net.UDPAddr, to *received) (*socket, error) {
	ip := local.IP.To4()
	if ip == nil {
		return nil, errors.New("only IPv4")
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	address := syscall.SockaddrInet4{Port: local.Port}
	copy(address.Addr[:], ip)
	// Forced, as root, past net.core.rmem_max; else as much as is allowed.
	if syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soRcvBufForce, socketBytes) != nil {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, socketBytes)
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, socketBytes)
	} else {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soSndBufForce, socketBytes)
	}
	if to.decodes {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soTimestampNs, 1)
	}
	if err := syscall.Bind(fd, &address); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	s := &socket{
		loop:     loop,
		fd:       fd,
		local:    &net.UDPAddr{IP: ip, Port: name.(*syscall.SockaddrInet4).Port},
		received: to,
		queue:    make(chan datagram, queuedMax),
		aborted:  make(chan struct{}),
	}
	return s, loop.add(s)
}

func isRtp(p []byte) bool {
	return len(p) >= 12 && p[0]>>6 == 2 && !(p[1] >= 192 && p[1] <= 223)
}

func (s *socket) drain(b *batch) {
	for {
		n := b.receive(s.fd, s.received.decodes)
		for i := 0; i < n; i++ {
			p := b.buffers[i][:b.messages[i].length]
			if isRtp(p) {
				s.received.onRtp(p, b.kernelTime(i))
				if !s.received.decodes {
					continue
				}
			}
			copied := datagramPool.Get().([]byte)[:len(p)]
			copy(copied, p)
			select {
			case s.queue <- datagram{copied, b.sender(i)}:
			default:
				s.overflow.Add(1)
			}
		}
		if n < batchSize {
			return
		}
	}
}

func (s *socket) ReadFromUDP(p []byte) (int, *net.UDPAddr, error) {
	select {
	case d := <-s.queue:
		n := copy(p, d.bytes)
		datagramPool.Put(d.bytes[:packetBytesMax]) //nolint:staticcheck
		return n, d.from, nil
	case <-s.aborted:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (s *socket) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromUDP(p)
	if err != nil {
		return 0, nil, err
	}
	return n, from, nil
}

func (s *socket) WriteToUDP(p []byte, to *net.UDPAddr) (int, error) {
	address := syscall.SockaddrInet4{Port: to.Port}
	copy(address.Addr[:], to.IP.To4())
	if err := syscall.Sendto(s.fd, p, 0, &address); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *socket) WriteTo(p []byte, to net.Addr) (int, error) {
	address, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, transport.ErrNotUDPAddress
	}
	return s.WriteToUDP(p, address)
}

func (s *socket) Close() error {
	s.abort.Do(func() { close(s.aborted) })
	s.closing.Do(func() {
		s.loop.remove(s)
		syscall.Close(s.fd)
	})
	return nil
}

// SetDeadline knows only what Pion uses it for: to end a read.
func (s *socket) SetDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		s.abort.Do(func() { close(s.aborted) })
	}
	return nil
}

func (s *socket) SetReadDeadline(t time.Time) error { return s.SetDeadline(t) }
func (s *socket) SetWriteDeadline(time.Time) error  { return nil }
func (s *socket) SetReadBuffer(int) error           { return nil }
func (s *socket) SetWriteBuffer(int) error          { return nil }
func (s *socket) LocalAddr() net.Addr               { return s.local }
func (s *socket) RemoteAddr() net.Addr              { return nil }
func (s *socket) Read([]byte) (int, error)          { return 0, transport.ErrNotSupported }
func (s *socket) Write([]byte) (int, error)         { return 0, transport.ErrNotSupported }
func (s *socket) ReadMsgUDP(_, _ []byte) (int, int, int, *net.UDPAddr, error) {
	return 0, 0, 0, nil, transport.ErrNotSupported
}
func (s *socket) WriteMsgUDP(_, _ []byte, _ *net.UDPAddr) (int, int, error) {
	return 0, 0, transport.ErrNotSupported
}

// participantNet gives one participant's sockets to Pion.
type participantNet struct {
	*stdnet.Net
	loop     *receiveLoop
	received *received
}

func newParticipantNet(loop *receiveLoop, to *received) (*participantNet, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return &participantNet{Net: n, loop: loop, received: to}, nil
}

func (n *participantNet) ListenUDP(_ string, local *net.UDPAddr) (transport.UDPConn, error) {
	return openSocket(n.loop, local, n.received)
}

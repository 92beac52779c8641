package main

// The room dialect (docs/protocol/room.md): of our server, and of pion_sfu, which speaks the few messages used here.

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v3"
)

const patience = 20 * time.Second

type dialect struct {
	url    string // ws://host:port
	secret string

	// Who only receives leaves the offer to the server: as with Janus and mediasoup, where the server of receivers always offers.
	asksForOffer bool
}

type message struct {
	Type      string          `json:"type"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	RoomId    int             `json:"roomId"`
	SessionId string          `json:"sessionId"`
}

type description struct {
	Type string `json:"type"`
	Sdp  string `json:"sdp"`
}

// token is one as a messenger would make it: it lets its user into any group.
func (d *dialect) token(user string) string {
	encode := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d,"rooms":["group:*"]}`, user, now, now+3600)
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(d.secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func (d *dialect) prepare(int) error { return nil }

type dialectSession struct {
	p     *participant
	pc    *webrtc.PeerConnection
	ws    *websocket.Conn
	mutex sync.Mutex // of writes
}

func (s *dialectSession) send(kind string, payload interface{}) {
	m := message{Type: kind, RoomId: s.p.room, SessionId: s.p.name}
	if payload != nil {
		m.Payload, _ = json.Marshal(payload)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.ws.WriteJSON(m); err != nil {
		s.p.fail(fmt.Errorf("%s: cannot send %s: %w", s.p.name, kind, err))
	}
}

// enter: those who only receive enter by receive, so that the publishers are there before them.
func (d *dialect) enter(p *participant) error {
	if len(p.sources) == 0 {
		return nil
	}
	return d.join(p, nil)
}

func (d *dialect) receive(p *participant, publishers []*participant) error {
	if len(p.sources) > 0 {
		return nil // the server offers what there is
	}
	return d.join(p, publishers)
}

func (d *dialect) join(p *participant, publishers []*participant) error {
	pc, err := p.connection()
	if err != nil {
		return err
	}
	s := &dialectSession{p: p, pc: pc}
	p.watch(pc, p.startSources)
	direction := webrtc.RTPTransceiverDirectionSendonly
	if p.receives {
		direction = webrtc.RTPTransceiverDirectionSendrecv
	}
	if err := p.publish(pc, direction); err != nil {
		return err
	}
	asks := d.asksForOffer && len(p.sources) == 0
	var ours string
	if !asks {
		if len(p.sources) == 0 {
			if err := offerToReceive(pc, publishers); err != nil {
				return err
			}
		}
		// Beforehand: the server waits only 150 ms for it before it makes one of its own.
		if ours, err = offer(pc); err != nil {
			return err
		}
	}
	url := fmt.Sprintf("%s/api/v1/group/%d/call", d.url, p.room)
	header := http.Header{"Authorization": {"Bearer " + d.token(p.name)}}
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	if s.ws, _, err = dialer.Dial(url, header); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.onClose(func() { _ = s.ws.Close() })
	p.opened.Store(int64(time.Since(epoch)))
	if asks {
		s.send("join", map[string]bool{"offers": false})
	} else {
		s.send("join", nil)
		s.send("offer", description{"offer", ours})
	}
	go s.listen()
	return nil
}

// offerToReceive makes one section for each track there is, so that the answer can fill them.
func offerToReceive(pc *webrtc.PeerConnection, publishers []*participant) error {
	for _, publisher := range publishers {
		for _, s := range publisher.sources {
			of := []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}[s.kind]
			_, err := pc.AddTransceiverFromKind(of, webrtc.RTPTransceiverInit{
				Direction: webrtc.RTPTransceiverDirectionRecvonly,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *dialectSession) listen() {
	for {
		_, text, err := s.ws.ReadMessage()
		if err != nil {
			select {
			case <-s.p.stop:
			default:
				s.p.fail(fmt.Errorf("%s: the WebSocket ended: %w", s.p.name, err))
			}
			return
		}
		// The news of the others are many in a large room, and parsing them would cost more than the media.
		if !isForUs(text) {
			continue
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			s.p.fail(err)
			continue
		}
		if err := s.handle(m); err != nil {
			s.p.fail(fmt.Errorf("%s: %s: %w", s.p.name, m.Type, err))
		}
	}
}

func isForUs(text []byte) bool {
	for _, kind := range [][]byte{[]byte(`"type":"offer"`), []byte(`"type":"answer"`), []byte(`"type":"error"`)} {
		if bytes.Contains(text, kind) {
			return true
		}
	}
	return false
}

func (s *dialectSession) handle(m message) error {
	var theirs description
	switch m.Type {
	case "offer":
		if err := json.Unmarshal(m.Payload, &theirs); err != nil {
			return err
		}
		s.p.described.CompareAndSwap(0, int64(time.Since(epoch)))
		if s.pc.SignalingState() != webrtc.SignalingStateStable {
			return nil // offers crossed: the server answers ours, then offers again
		}
		ours, err := answer(s.pc, theirs.Sdp)
		if err != nil {
			return err
		}
		s.send("answer", description{"answer", ours})
	case "answer":
		s.p.described.Store(int64(time.Since(epoch)))
		if err := json.Unmarshal(m.Payload, &theirs); err != nil {
			return err
		}
		return s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: theirs.Sdp})
	case "error":
		return fmt.Errorf("%s", m.Payload)
	}
	return nil
}

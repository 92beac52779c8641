// The official server, doing what build/socketio_echo does: `message` comes back as `message-back`.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { pingInterval: 25000, pingTimeout: 20000, serveClient: false });
io.on("connection", (socket) => socket.on("message", (...args) => socket.emit("message-back", ...args)));
http.listen(Number(process.argv[2]), "127.0.0.1");

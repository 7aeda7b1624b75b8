import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.admin.Admin;

/**
 * The connection of one test process: reads its requests, runs each in a thread of its own, frames the responses. Admin
 * clients are kept per bootstrap string and closed with the connection, so that none goes on dialling a cluster that is
 * gone.
 *
 * <p>Frame: int32 length of what follows, byte kind ('J' the JSON response that ends a request, 'R' records, any number
 * of frames before that), int32 request id, payload. The layout of records is in {@link PeerReader}.
 */
final class PeerConnection implements Runnable {
    static final ObjectMapper JSON = new ObjectMapper();

    private final Socket socket;
    private final DataOutputStream out;
    private final Map<String, Admin> admins = new ConcurrentHashMap<>();
    private final ExecutorService requests = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "request");
        thread.setDaemon(true);
        return thread;
    });

    PeerConnection(Socket socket) throws IOException {
        this(socket, socket.getOutputStream());
    }

    PeerConnection(Socket socket, OutputStream out) {
        this.socket = socket;
        this.out = new DataOutputStream(out);
    }

    @Override
    public void run() {
        try (socket;
                var lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode request = JSON.readTree(line);
                requests.execute(() -> respond(request));
            }
        } catch (IOException gone) {
            // the test process has ended: nobody waits for a response
        } finally {
            requests.shutdownNow();
            admins.values().forEach(admin -> admin.close(Duration.ZERO));
        }
    }

    void respond(JsonNode request) {
        int id = request.path("id").asInt();
        ObjectNode reply = JSON.createObjectNode();
        try {
            reply.set("result", perform(id, request));
        } catch (Throwable thrown) {
            Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
            reply.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
        }
        try {
            send('J', id, JSON.writeValueAsBytes(reply));
        } catch (IOException gone) {
            // as above
        }
    }

    private JsonNode perform(int id, JsonNode request) throws Exception {
        String bootstrap = request.path("bootstrap").asText();
        if (request.path("op").asText().equals("read")) {
            return PeerReader.read(bootstrap, request, payload -> send('R', id, payload));
        }
        if (request.path("op").asText().equals("ready")) {
            // A client of its own: one that knows the other brokers would send the request to them, and a broker that was
            // killed a moment ago is in their list until its session runs out.
            try (Admin admin = admin(bootstrap)) {
                return PeerTopics.perform(admin, request);
            }
        }
        return PeerTopics.perform(admins.computeIfAbsent(bootstrap, PeerConnection::admin), request);
    }

    private void send(char kind, int id, byte[] payload) throws IOException {
        synchronized (out) {
            out.writeInt(5 + payload.length);
            out.writeByte(kind);
            out.writeInt(id);
            out.write(payload);
            out.flush();
        }
    }

    static Admin admin(String bootstrap) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        // a broker that is starting refuses connections: the default back-off would cost a second of waiting per start
        properties.put("reconnect.backoff.ms", "20");
        properties.put("reconnect.backoff.max.ms", "100");
        properties.put("retry.backoff.ms", "20");
        properties.put("request.timeout.ms", "5000");
        properties.put("default.api.timeout.ms", "60000");
        return Admin.create(properties);
    }
}

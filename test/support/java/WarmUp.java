import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Runs a node and the peer in one JVM for a moment, so that the archive of loaded classes, which the JVM writes at its
 * end, has those of both (scripts/setup-kafka.sh). Not a test.
 *
 * <p>Argument: an empty directory.
 */
public final class WarmUp {
    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        int broker = freePort();
        int controller = freePort();
        Path properties = directory.resolve("server.properties");
        Files.writeString(properties, String.join("\n",
                "process.roles=broker,controller",
                "node.id=1",
                "controller.quorum.voters=1@127.0.0.1:" + controller,
                "listeners=PLAINTEXT://127.0.0.1:" + broker + ",CONTROLLER://127.0.0.1:" + controller,
                "advertised.listeners=PLAINTEXT://127.0.0.1:" + broker,
                "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "offsets.topic.replication.factor=1",
                "log.dirs=" + directory.resolve("data")));
        Thread node = new Thread(() -> {
            try {
                KafkaNode.run(properties, "AAAAAAAAAAAAAAAAAAAAAQ");
            } catch (Throwable failed) {
                failed.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        });
        node.setDaemon(true);
        node.start();
        work("127.0.0.1:" + broker);
        System.exit(0);
    }

    private static void work(String bootstrap) throws Exception {
        ByteArrayOutputStream responses = new ByteArrayOutputStream();
        PeerConnection peer = new PeerConnection(null, responses);
        ask(peer, bootstrap, "ready", Map.of("node", 1, "brokers", 1));
        ask(peer, bootstrap, "createTopic", Map.of("topic", "warm", "partitions", 2));
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "compression.type", "zstd");
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < 1000; i++) producer.send(new ProducerRecord<>("warm", new byte[] {(byte) i}, new byte[100]));
        }
        ask(peer, bootstrap, "read", Map.of("topic", "warm"));
        ask(peer, bootstrap, "offsets", Map.of("topic", "warm"));
        ask(peer, bootstrap, "deleteTopic", Map.of("topic", "warm"));
        if (responses.toString(StandardCharsets.ISO_8859_1).contains("\"error\"")) {
            throw new IllegalStateException(responses.toString(StandardCharsets.ISO_8859_1));
        }
    }

    private static void ask(PeerConnection peer, String bootstrap, String op, Map<String, ?> more) {
        ObjectNode request = PeerConnection.JSON.valueToTree(more);
        peer.respond(request.put("id", 1).put("op", op).put("bootstrap", bootstrap));
    }

    private static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}

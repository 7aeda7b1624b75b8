import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.RequestHeaderDataJsonConverter;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/**
 * The file of one API: its requests and responses in one version, each with its header, as they are sent after the four
 * bytes of length. The bodies are described by Kafka's own JSON of its messages.
 */
final class GoldenMessage {
    /** A tagged field that no version has: a reader must skip it, wherever it is. */
    static final List<RawTaggedField> UNKNOWN_TAGS =
            List.of(new RawTaggedField(60, new byte[] {1, 2, 3}), new RawTaggedField(1000, new byte[200]));

    private final ApiKeys api;
    private final ArrayNode requests;
    private final ArrayNode responses;
    private final ObjectNode file = Golden.JSON.createObjectNode();
    private int correlationId = 1;

    GoldenMessage(ApiKeys api) {
        this.api = api;
        file.put("api", api.name).put("key", api.id);
        requests = file.putArray("requests");
        responses = file.putArray("responses");
    }

    void request(String what, int version, String clientId, Message body, JsonNode described) {
        RequestHeaderData header = new RequestHeaderData()
                .setRequestApiKey(api.id)
                .setRequestApiVersion((short) version)
                .setCorrelationId(correlationId++)
                .setClientId(clientId);
        ObjectNode node = requests.addObject().put("what", what).put("version", version);
        short headerVersion = api.requestHeaderVersion((short) version);
        node.set("header", RequestHeaderDataJsonConverter.write(header, headerVersion));
        node.set("body", described);
        node.put("bytes", Golden.base64(join(bytes(header, headerVersion), bytes(body, (short) version))));
    }

    void response(String what, int version, Message body, JsonNode described) {
        response(what, version, body, described, List.of());
    }

    void response(String what, int version, Message body, JsonNode described, List<RawTaggedField> headerTags) {
        ResponseHeaderData header = new ResponseHeaderData().setCorrelationId(correlationId++);
        header.unknownTaggedFields().addAll(headerTags);
        ObjectNode node = responses.addObject().put("what", what).put("version", version);
        node.put("correlationId", header.correlationId());
        node.set("body", described);
        short headerVersion = api.responseHeaderVersion((short) version);
        node.put("bytes", Golden.base64(join(bytes(header, headerVersion), bytes(body, (short) version))));
    }

    void save(Path file) throws IOException {
        Golden.save(file, this.file);
    }

    private static byte[] bytes(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return buffer.array();
    }

    private static byte[] join(byte[] first, byte[] second) {
        return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
    }
}

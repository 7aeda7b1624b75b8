import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads a topic with Kafka's own consumer, without a group: from the given offsets (else the beginning) to the end
 * offsets at the start of the read.
 *
 * <p>Layout of a payload, records one after the other: int32 partition, int64 offset, int64 timestamp (ms), bytes key,
 * bytes value, int32 number of headers, then per header bytes name, bytes value; bytes = int32 length (-1 for null) and
 * that many bytes.
 */
final class PeerReader {
    interface Sink {
        void send(byte[] payload) throws IOException;
    }

    private static final int FRAME_BYTES = 1 << 20;

    static JsonNode read(String bootstrap, JsonNode request, Sink sink) throws Exception {
        long withinMs = request.path("withinMs").asLong(60_000);
        long deadline = System.nanoTime() + withinMs * 1_000_000;
        String topic = request.path("topic").asText();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(bootstrap, request)) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(part -> partitions.add(new TopicPartition(topic, part.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            for (TopicPartition partition : partitions) {
                JsonNode from = request.path("from").path(partition.partition());
                if (from.isNumber()) consumer.seek(partition, from.asLong());
            }
            Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
            long records = 0;
            Batch batch = new Batch();
            while (!reached(consumer, ends)) {
                if (System.nanoTime() > deadline) {
                    throw new TimeoutException(topic + " not read to its end within " + withinMs + " ms");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    if (record.offset() >= ends.get(new TopicPartition(topic, record.partition()))) continue;
                    records++;
                    batch.add(record);
                    if (batch.size() >= FRAME_BYTES) batch.sendTo(sink);
                }
            }
            batch.sendTo(sink);
            return PeerConnection.JSON.getNodeFactory().numberNode(records);
        }
    }

    /** Pauses a partition that is read to its end offset; otherwise a busy writer would keep the read going for ever. */
    private static boolean reached(KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
        ends.entrySet().stream()
                .filter(end -> !consumer.paused().contains(end.getKey()) && consumer.position(end.getKey()) >= end.getValue())
                .map(Map.Entry::getKey)
                .toList()
                .forEach(partition -> consumer.pause(List.of(partition)));
        return consumer.paused().size() == ends.size();
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, JsonNode request) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        properties.put("isolation.level", request.path("committed").asBoolean() ? "read_committed" : "read_uncommitted");
        properties.put("max.poll.records", "20000");
        properties.put("max.partition.fetch.bytes", "4194304");
        properties.put("fetch.max.wait.ms", "50");
        properties.put("reconnect.backoff.ms", "20");
        properties.put("reconnect.backoff.max.ms", "100");
        properties.put("retry.backoff.ms", "20");
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static final class Batch {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(FRAME_BYTES + 65_536);
        private final DataOutputStream out = new DataOutputStream(bytes);

        int size() {
            return bytes.size();
        }

        void add(ConsumerRecord<byte[], byte[]> record) throws IOException {
            out.writeInt(record.partition());
            out.writeLong(record.offset());
            out.writeLong(record.timestamp());
            write(record.key());
            write(record.value());
            Header[] headers = record.headers().toArray();
            out.writeInt(headers.length);
            for (Header header : headers) {
                write(header.key().getBytes(StandardCharsets.UTF_8));
                write(header.value());
            }
        }

        private void write(byte[] value) throws IOException {
            out.writeInt(value == null ? -1 : value.length);
            if (value != null) out.write(value);
        }

        void sendTo(Sink sink) throws IOException {
            if (bytes.size() == 0) return;
            sink.send(bytes.toByteArray());
            bytes.reset();
        }
    }
}

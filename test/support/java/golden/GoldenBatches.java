import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;

/** Record batches, version 2: batches/NAME.bin, and NAME.json with their inputs. */
final class GoldenBatches {
    private static final long NOON = 1_795_348_800_000L; // 2026-11-22T12:00:00Z

    private record Entry(long timestamp, byte[] key, byte[] value, Header[] headers, int times) {
        Entry(long timestamp, byte[] key, byte[] value, Header... headers) {
            this(timestamp, key, value, headers, 1);
        }
    }

    /** The fields of a batch's header that do not follow from the records. */
    private record Head(CompressionType compression, long producerId, short epoch, int sequence, boolean transactional,
            long baseOffset, int leaderEpoch) {
        static final Head PLAIN = new Head(CompressionType.NONE, -1, (short) -1, -1, false, 0, -1);

        static Head compressed(CompressionType compression) {
            return new Head(compression, -1, (short) -1, -1, false, 0, -1);
        }

        static Head idempotent(long producerId, int epoch, int sequence) {
            return new Head(CompressionType.NONE, producerId, (short) epoch, sequence, false, 0, -1);
        }
    }

    static void write(Path directory) throws IOException {
        Random random = new Random(26);
        save(directory, "one-record", Head.PLAIN, List.of(new Entry(NOON, null, text("GET /orders 200"))));
        save(directory, "keys-and-values", Head.PLAIN, List.of(
                new Entry(NOON, null, text("null key")),
                new Entry(NOON, text(""), text("empty key")),
                new Entry(NOON, text("key"), text("key")),
                new Entry(NOON, text("tombstone"), null),
                new Entry(NOON, null, text("")),
                new Entry(NOON, null, null),
                new Entry(NOON, new byte[] {0, -1, -128, 127, 10, 13}, new byte[] {-61, 40, 0, 10})));
        save(directory, "headers", Head.PLAIN, List.of(
                new Entry(NOON, null, text("none")),
                new Entry(NOON, null, text("one"), header("log.file.path", text("/var/log/app.log"))),
                new Entry(NOON, null, text("several, one name twice"), header("a", text("1")), header("b", text("")),
                        header("c", null), header("a", text("2"))),
                new Entry(NOON, null, text("UTF-8"), header("größe-日本-🦊", text("wert-日本-🦊")), header("", text("no name"))),
                new Entry(NOON, null, text("long"), header("n".repeat(64), bytes(random, 8192)))));
        List<Entry> lengths = new ArrayList<>();
        for (int length : new int[] {0, 1, 62, 63, 64, 65, 127, 128, 8190, 8191, 8192, 8193}) {
            lengths.add(new Entry(NOON, null, bytes(random, length)));
            lengths.add(new Entry(NOON, bytes(random, length), bytes(random, 3)));
        }
        // the length of the whole record crosses from one byte to two, and from two to three
        for (int length = 48; length <= 64; length++) lengths.add(new Entry(NOON, null, bytes(random, length)));
        for (int length = 8174; length <= 8190; length += 2) lengths.add(new Entry(NOON, null, new byte[length]));
        save(directory, "varint-lengths", Head.PLAIN, lengths);
        save(directory, "offset-deltas", Head.PLAIN,
                List.of(new Entry(NOON, null, text("x"), new Header[0], 8200), new Entry(NOON + 1, null, text("last"))));
        save(directory, "timestamps", Head.PLAIN, List.of(
                new Entry(NOON, null, text("first")),
                new Entry(NOON + 63, null, text("one byte")),
                new Entry(NOON + 64, null, text("two bytes")),
                new Entry(NOON + 8192, null, text("three bytes")),
                new Entry(NOON - 1, null, text("down")),
                new Entry(NOON - 64, null, text("down, one byte")),
                new Entry(NOON - 65, null, text("down, two bytes")),
                new Entry(NOON - 86_400_000, null, text("a day down")),
                new Entry(0, null, text("the epoch")),
                new Entry(NOON + (1L << 31), null, text("over 32 bits up")),
                new Entry(4_102_444_800_000L, null, text("the year 2100"))));
        List<Entry> five = new ArrayList<>();
        for (int i = 0; i < 5; i++) five.add(new Entry(NOON + i, null, text("line " + i)));
        save(directory, "idempotent", Head.idempotent(4242, 7, 1000), five);
        save(directory, "idempotent-first", Head.idempotent(0, 0, 0), five);
        save(directory, "idempotent-wrap", Head.idempotent((1L << 40) + 5, Short.MAX_VALUE, Integer.MAX_VALUE - 2), five);
        save(directory, "transactional", new Head(CompressionType.NONE, 77, (short) 3, 9, true, 0, -1), five);
        save(directory, "as-stored", new Head(CompressionType.NONE, 77, (short) 3, 9, false, 1_234_567_890_123L, 12), five);
        save(directory, "large-value", Head.PLAIN, List.of(new Entry(NOON, text("k"), bytes(random, 65_536))));
        List<Entry> lines = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            String line = "10.0.0." + i + " - - [22/Nov/2026:12:00:00 +0000] \"GET /orders/" + i * 7919 + " HTTP/1.1\" 200 " + i;
            lines.add(new Entry(NOON + i, null, text(line), header("log.offset", text(String.valueOf(i * 90)))));
        }
        for (CompressionType type : CompressionType.values()) {
            if (type != CompressionType.NONE) save(directory, "compressed-" + type.name, Head.compressed(type), lines);
        }
    }

    private static void save(Path directory, String name, Head head, List<Entry> entries) throws IOException {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2,
                Compression.of(head.compression()).build(), TimestampType.CREATE_TIME, head.baseOffset(),
                RecordBatch.NO_TIMESTAMP, head.producerId(), head.epoch(), head.sequence(), head.transactional(),
                head.leaderEpoch());
        ObjectNode input = Golden.JSON.createObjectNode();
        input.put("compression", head.compression().name);
        input.put("producerId", head.producerId()).put("producerEpoch", head.epoch()).put("baseSequence", head.sequence());
        input.put("transactional", head.transactional());
        input.put("baseOffset", head.baseOffset()).put("partitionLeaderEpoch", head.leaderEpoch());
        ArrayNode records = Golden.JSON.createArrayNode();
        for (Entry entry : entries) {
            for (int i = 0; i < entry.times(); i++) builder.append(entry.timestamp(), entry.key(), entry.value(), entry.headers());
            records.add(describe(entry));
        }
        ByteBuffer buffer = builder.build().buffer();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        Files.write(directory.resolve(name + ".bin"), bytes);
        input.put("crc", ByteBuffer.wrap(bytes).getInt(17) & 0xffff_ffffL);
        input.set("records", records);
        Golden.save(directory.resolve(name + ".json"), input);
    }

    private static ObjectNode describe(Entry entry) {
        ObjectNode record = Golden.JSON.createObjectNode();
        if (entry.times() > 1) record.put("times", entry.times());
        record.put("timestamp", entry.timestamp());
        record.put("key", Golden.base64(entry.key())).put("value", Golden.base64(entry.value()));
        ArrayNode headers = record.putArray("headers");
        for (Header header : entry.headers()) {
            headers.addObject().put("name", header.key()).put("value", Golden.base64(header.value()));
        }
        return record;
    }

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Header header(String name, byte[] value) {
        return new RecordHeader(name, value);
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}

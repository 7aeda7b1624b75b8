import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.utils.ByteUtils;
import org.apache.kafka.common.utils.Utils;

/** murmur2.json: key to partition as the Java producer has it. varints.json: the numbers of records and of messages. */
final class GoldenNumbers {
    private static final int[] PARTITION_COUNTS = {1, 2, 3, 6, 7, 12, 50, 1000};

    static void write(Path directory) throws IOException {
        Golden.save(directory.resolve("murmur2.json"), murmur2());
        Golden.save(directory.resolve("varints.json"), varints());
    }

    private static ArrayNode murmur2() {
        List<byte[]> keys = new ArrayList<>();
        for (String key : new String[] {"", "a", "ab", "abc", "abcd", "abcde", "21", "foobar", "/var/log/pods/shop_web/0.log",
            "größe", "日本語", "🦊", "a-little-bit-long-string", "a-little-bit-longer-string", "user-4711"}) {
            keys.add(GoldenBatches.text(key));
        }
        Random random = new Random(2);
        // every length of the last, incomplete word, with bytes of either sign
        for (int length : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 63, 64, 255, 256, 1000}) {
            byte[] key = new byte[length];
            random.nextBytes(key);
            keys.add(key);
        }
        keys.add(new byte[] {-1});
        keys.add(new byte[] {-1, -1, -1});
        keys.add(new byte[] {-128, 127, -128, 127, -128});
        ArrayNode vectors = Golden.JSON.createArrayNode();
        for (byte[] key : keys) {
            ObjectNode vector = vectors.addObject();
            int hash = Utils.murmur2(key);
            vector.put("key", Golden.base64(key)).put("hash", hash);
            ObjectNode partitions = vector.putObject("partitions");
            for (int count : PARTITION_COUNTS) partitions.put(String.valueOf(count), Utils.toPositive(hash) % count);
        }
        return vectors;
    }

    /** Values as strings: 64 bits don't fit into JavaScript's numbers. */
    private static ObjectNode varints() {
        ObjectNode all = Golden.JSON.createObjectNode();
        ArrayNode zigzag32 = all.putArray("zigzag32");
        ArrayNode unsigned32 = all.putArray("unsigned32");
        ArrayNode zigzag64 = all.putArray("zigzag64");
        for (int bits = 0; bits < 32; bits++) {
            for (int around = -1; around <= 1; around++) {
                int value = (1 << bits) + around;
                add(zigzag32, value, buffer -> ByteUtils.writeVarint(value, buffer));
                add(zigzag32, -value, buffer -> ByteUtils.writeVarint(-value, buffer));
                if (value >= 0) add(unsigned32, value, buffer -> ByteUtils.writeUnsignedVarint(value, buffer));
            }
        }
        for (int bits = 0; bits < 64; bits++) {
            for (int around = -1; around <= 1; around++) {
                long value = (1L << bits) + around;
                add(zigzag64, value, buffer -> ByteUtils.writeVarlong(value, buffer));
                add(zigzag64, -value, buffer -> ByteUtils.writeVarlong(-value, buffer));
            }
        }
        return all;
    }

    private static void add(ArrayNode vectors, long value, java.util.function.Consumer<ByteBuffer> write) {
        ByteBuffer buffer = ByteBuffer.allocate(10);
        write.accept(buffer);
        StringBuilder hex = new StringBuilder();
        for (int i = 0; i < buffer.position(); i++) hex.append(String.format("%02x", buffer.get(i)));
        vectors.addArray().add(String.valueOf(value)).add(hex.toString());
    }
}

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

/**
 * Writes test/fixtures: the bytes that Kafka's own Java client makes of given inputs, with the inputs beside them, so that
 * our codecs are compared with Kafka's and not with our reading of its protocol. It is run by scripts/golden.sh; its
 * output is committed, and is the same in every run.
 *
 * <p>Argument: the directory.
 */
public final class Golden {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final ObjectWriter PRETTY = JSON.writerWithDefaultPrettyPrinter();

    public static void main(String[] args) throws Exception {
        Path fixtures = Path.of(args[0]);
        GoldenBatches.write(Files.createDirectories(fixtures.resolve("batches")));
        Path wire = Files.createDirectories(fixtures.resolve("wire"));
        GoldenProduce.write(wire);
        GoldenMetadata.write(wire);
        GoldenSmallApis.write(wire);
        GoldenNumbers.write(fixtures);
    }

    static void save(Path file, JsonNode content) throws IOException {
        Files.writeString(file, PRETTY.writeValueAsString(content) + "\n");
    }

    /** null stays null. */
    static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}

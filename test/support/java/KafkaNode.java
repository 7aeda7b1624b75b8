import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.common.utils.Exit;

/**
 * One Kafka node as Kafka's own main class runs it, except that storage is formatted in the same JVM: the start of a
 * second JVM just for `kafka-storage format` would take as long as the broker itself. The broker itself is Kafka's:
 * nothing here serves requests.
 *
 * <p>Arguments: the properties file, the cluster id.
 */
public final class KafkaNode {
    @SuppressWarnings("serial")
    private static final class Formatted extends RuntimeException {
        final int status;

        Formatted(int status) {
            super("storage tool ended with " + status, null, false, false);
            this.status = status;
        }
    }

    public static void main(String[] args) throws Exception {
        run(Path.of(args[0]), args[1]);
    }

    static void run(Path propertiesFile, String clusterId) throws Exception {
        Properties properties = new Properties();
        try (var in = Files.newInputStream(propertiesFile)) {
            properties.load(in);
        }
        if (!Files.exists(Path.of(properties.getProperty("log.dirs"), "meta.properties"))) {
            format(propertiesFile, clusterId);
        }
        kafka.Kafka.main(new String[] {propertiesFile.toString()});
    }

    /** Formats the storage by the tool's main, its only entry point; versions differ only in how it ends, by Exit. */
    private static void format(Path propertiesFile, String clusterId) {
        Exit.setExitProcedure((status, message) -> {
            throw new Formatted(status);
        });
        try {
            kafka.tools.StorageTool.main(new String[] {"format", "-t", clusterId, "-c", propertiesFile.toString()});
        } catch (Formatted end) {
            if (end.status != 0) throw end;
        } finally {
            // not Exit.resetExitProcedure: after that Exit throws instead of ending the JVM
            Exit.setExitProcedure((status, message) -> Runtime.getRuntime().exit(status));
        }
    }
}

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * Kafka's own Java client for the tests, as a process that stays up: a JVM start for every topic that is created or read
 * would take longer than most tests. It listens on a loopback port, prints that port, and serves until its standard input
 * ends, which also happens when the process that started it is killed.
 *
 * <p>Protocol: requests are lines of JSON `{"id", "op", "bootstrap", …}`; responses are frames, see
 * {@link PeerConnection}.
 */
public final class KafkaPeer {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(0, 64, InetAddress.getByName("127.0.0.1"));
        System.out.println(server.getLocalPort());
        System.out.flush();
        Thread lifeline = new Thread(KafkaPeer::endWithStandardInput, "lifeline");
        lifeline.setDaemon(true);
        lifeline.start();
        while (true) {
            Socket socket = server.accept();
            socket.setTcpNoDelay(true);
            Thread thread = new Thread(new PeerConnection(socket), "connection");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static void endWithStandardInput() {
        try {
            while (System.in.read() != -1) {
                // the input has no meaning, only its end has
            }
        } catch (java.io.IOException broken) {
            // a broken pipe means the same as the end
        }
        Runtime.getRuntime().halt(0);
    }
}

using System.ComponentModel;
using System.Diagnostics;

namespace Mesh.Proxy.Interception;

/// <summary>nftables' own program, which applies a ruleset as a whole or not at all.</summary>
internal static class NftProgram
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <exception cref="IOException">It is not there or has refused, and nothing was changed; or it has not ended in 30 seconds.</exception>
    public static async Task ApplyAsync(string ruleset)
    {
        using var nft = Start();
        using var limit = new CancellationTokenSource(Limit);
        var errors = nft.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await nft.StandardInput.WriteAsync(ruleset.AsMemory(), limit.Token);
            nft.StandardInput.Close();
            await nft.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            nft.Kill(entireProcessTree: true);
            throw new IOException($"nft has not ended in {Limit.TotalSeconds} seconds and was killed. See what 'nft list table inet {RedirectRules.Table}' shows.");
        }
        catch (IOException)
        {
            // It has ended before it has read everything; what it said tells why.
            await nft.WaitForExitAsync(limit.Token);
        }

        if (nft.ExitCode != 0)
        {
            var said = (await errors).Trim();
            throw new IOException(
                $"nft has refused, and nothing was changed: {said}"
                + (said.Contains("not permitted", StringComparison.OrdinalIgnoreCase) ? $"{Environment.NewLine}Run it as root, or with CAP_NET_ADMIN in this network namespace." : ""));
        }
    }

    private static Process Start()
    {
        try
        {
            return Process.Start(new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"nft could not be started: {e.Message}. Install it (Debian: apt-get install nftables).", e);
        }
    }
}

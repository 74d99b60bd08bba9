package their;

import static org.springframework.security.config.Customizer.withDefaults;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.endpoint.OAuth2RefreshTokenGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2AuthorizationException;
import org.springframework.security.oauth2.core.endpoint.OAuth2AccessTokenResponse;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** A web app with a secret: Spring Security's OAuth 2 login. */
@SpringBootApplication
@RestController
public class App {
  public static void main(String[] args) {
    SpringApplication.run(App.class, args);
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
    var login = new DefaultOAuth2AuthorizationRequestResolver(clients, "/oauth2/authorization");
    login.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
    var logout = new OidcClientInitiatedLogoutSuccessHandler(clients);
    logout.setPostLogoutRedirectUri("{baseUrl}/goodbye");
    return http
        .authorizeHttpRequests(r -> r.requestMatchers("/goodbye").permitAll().anyRequest().authenticated())
        .oauth2Login(l -> l.authorizationEndpoint(e -> e.authorizationRequestResolver(login)))
        .logout(l -> l.logoutSuccessHandler(logout))
        .oidcLogout(l -> l.backChannel(withDefaults()))
        .build();
  }

  @GetMapping("/")
  Map<String, Object> home(@AuthenticationPrincipal OidcUser user, @RegisteredOAuth2AuthorizedClient("grantd") OAuth2AuthorizedClient client) {
    return Map.of(
        "sub", user.getIdToken().getSubject(),
        "userinfo", user.getUserInfo().getClaims(),
        "username", me(client, client.getAccessToken()),
        "refreshed", me(client, refresh(client).getAccessToken()));
  }

  Object me(OAuth2AuthorizedClient client, OAuth2AccessToken token) {
    var issuer = client.getClientRegistration().getProviderDetails().getIssuerUri();
    return RestClient.create().get().uri(issuer + "/users/me/")
        .headers(h -> h.setBearerAuth(token.getTokenValue()))
        .retrieve().body(Map.class).get("username");
  }

  OAuth2AccessTokenResponse refresh(OAuth2AuthorizedClient client) {
    return new RestClientRefreshTokenTokenResponseClient().getTokenResponse(
        new OAuth2RefreshTokenGrantRequest(client.getClientRegistration(), client.getAccessToken(), client.getRefreshToken()));
  }

  /** Asked for after somebody else revoked what the app was given. */
  @GetMapping("/refused")
  Map<String, String> refused(@RegisteredOAuth2AuthorizedClient("grantd") OAuth2AuthorizedClient client) {
    try {
      refresh(client);
      return Map.of("refused", "");
    } catch (OAuth2AuthorizationException e) {
      return Map.of("refused", e.getError().getErrorCode());
    }
  }

  @GetMapping("/goodbye")
  String goodbye() {
    return "goodbye";
  }
}
